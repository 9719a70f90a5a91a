use conduit::Conduit;
use conduit_memory::Memory;
use conduit_smol::Smol;

fn main() {
    let _ = Conduit::builder("a")
        .runtime(Smol)
        .transport(Memory::new())
        .build();
}
