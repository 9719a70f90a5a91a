use std::rc::Rc;

use conduit::Binding;
use conduit_json::Json;

fn handle(binding: Binding<Json>) {
    binding.to(|message| async move {
        let count = Rc::new(1);
        message.reply(&1).await.ok();
        drop(count);
    });
}

fn main() {}
