//! Prints the public items of a crate, one a line, from the JSON that rustdoc has written.

use std::{collections::HashSet, env, error::Error};

use public_api::Builder;

/// What the compiler decides for each type, and a user relies on. The other auto traits are left out.
const AUTO_TRAITS: [&str; 2] = [" core::marker::Send for ", " core::marker::Sync for "];

fn main() -> Result<(), Box<dyn Error>> {
    let json = env::args_os().nth(1).ok_or("the path of a JSON file is missing")?;
    let items = |omits: bool| -> Result<Vec<String>, public_api::Error> {
        let builder = Builder::from_rustdoc_json(&json).omit_blanket_impls(true);
        let listed = builder.omit_auto_trait_impls(omits).build()?;
        Ok(listed.items().map(ToString::to_string).collect())
    };
    let written: HashSet<String> = items(true)?.into_iter().collect();
    for item in items(false)? {
        if written.contains(&item) || AUTO_TRAITS.iter().any(|name| item.contains(name)) {
            println!("{item}");
        }
    }
    Ok(())
}
