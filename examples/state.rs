//! `cargo run --example state`
//!
//! Handlers that share a state: methods and functions by name, and a closure.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Arc, Mutex, PoisonError},
};

use conduit::{Conduit, Failure};
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_smol::Smol;

#[derive(Default)]
struct Accounts(Mutex<BTreeMap<String, i64>>);

impl Accounts {
    fn change(&self, name: &str, by: i64) -> i64 {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let balance = accounts.entry(name.to_owned()).or_default();
        *balance += by;
        *balance
    }

    /// A method that borrows the state.
    async fn pay_in(&self, (name, amount): (String, i64)) -> Result<i64, Failure> {
        if amount <= 0 {
            return Err(Failure::new("amount.invalid", "an amount is above 0"));
        }
        Ok(self.change(&name, amount))
    }

    /// A method that takes a reference of its own, for a task that outlives the handler, say.
    async fn balance(self: Arc<Self>, name: String) -> Result<i64, Failure> {
        Ok(self.change(&name, 0))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(async {
        let bank = Conduit::new("bank", Smol, Memory::new(), Json)?;
        let accounts = Arc::<Accounts>::default();
        let bind = async |subject: &'static str| {
            Ok::<_, conduit::Error>(bank.queue_bind(subject).await?.with(Arc::clone(&accounts)))
        };
        bind("pay-in").await?.serve(Accounts::pay_in);
        bind("balance").await?.serve(Accounts::balance);
        bind("close").await?.serve(async |accounts: Arc<Accounts>, name: String| {
            let left = accounts.change(&name, 0);
            Ok::<_, Failure>(accounts.change(&name, -left) == 0)
        });

        let service = bank.own_service();
        for amount in [20, 22] {
            service.request("pay-in", &("ada", amount)).await?;
        }
        let balance: i64 = service.request("balance", "ada").await?.decode().await?;
        println!("ada has {balance}");
        if let Err(error) = service.request("pay-in", &("ada", 0)).await {
            println!("paying in 0: {error}");
        }
        let is_closed: bool = service.request("close", "ada").await?.decode().await?;
        let balance: i64 = service.request("balance", "ada").await?.decode().await?;
        println!("closed: {is_closed}, ada has {balance}");
        Ok(())
    })
}
