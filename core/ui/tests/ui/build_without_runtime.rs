use conduit::Conduit;
use conduit_json::Json;
use conduit_memory::Memory;

fn main() {
    let _ = Conduit::builder("a")
        .transport(Memory::new())
        .encoder(Json)
        .build();
}
