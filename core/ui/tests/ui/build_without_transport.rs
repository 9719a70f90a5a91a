use conduit::Conduit;
use conduit_json::Json;
use conduit_smol::Smol;

fn main() {
    let _ = Conduit::builder("a").runtime(Smol).encoder(Json).build();
}
