use std::sync::Arc;

use conduit::Binding;
use conduit_json::Json;

struct Shop;

async fn order(_: &String, number: u32) -> Result<u32, std::fmt::Error> {
    Ok(number)
}

fn handle(binding: Binding<Json>, shop: Arc<Shop>) {
    binding.with(shop).serve(order);
}

fn main() {}
