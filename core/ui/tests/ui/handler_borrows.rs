use conduit::Binding;
use conduit_json::Json;

fn handle(binding: Binding<Json>, count: &mut u32) {
    binding.to(|_message| {
        *count += 1;
        async {}
    });
}

fn main() {}
