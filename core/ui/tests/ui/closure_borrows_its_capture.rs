use conduit::Binding;
use conduit_json::Json;

fn handle(binding: Binding<Json>, names: Vec<String>) {
    binding.serve(async move |number: usize| names.get(number).cloned().ok_or("unknown"));
}

fn main() {}
