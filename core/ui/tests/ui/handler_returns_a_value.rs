use conduit::Binding;
use conduit_json::Json;

fn handle(binding: Binding<Json>) {
    binding.to(|_message| async move { 42 });
}

fn main() {}
