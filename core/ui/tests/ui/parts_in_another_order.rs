use conduit::Conduit;
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_smol::Smol;

fn main() {
    let _ = Conduit::new("a", Json, Smol, Memory::new());
}
