//! Finds a race in a handler, and prints the seed that shows it again.
//!
//! Run it with `cargo run -p conduit-sim --example find_a_bug`.

use std::{
    error::Error,
    panic,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use conduit::Conduit;
use conduit_json::Json;
use conduit_memory::Memory;
use conduit_sim::{Sim, check};

/// State that two instances of a service share; in production, a row of a database.
#[derive(Default)]
struct Account(Mutex<u64>);

impl Account {
    fn read(&self) -> u64 {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, balance: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = balance;
    }
}

async fn deposits_add_up(sim: &Sim) -> Result<(), Box<dyn Error>> {
    let broker = Memory::new();
    let conduit = |name| {
        let builder = Conduit::builder(name).runtime(sim.process()).ids(sim.ids());
        builder.transport(broker.clone()).encoder(Json).build()
    };
    let account = Arc::new(Account::default());
    let banks = [conduit("bank")?, conduit("bank")?];
    for bank in &banks {
        let (account, sim) = (Arc::clone(&account), sim.clone());
        bank.queue_bind("deposit").await?.to(move |message| {
            let (account, sim) = (Arc::clone(&account), sim.clone());
            async move {
                let amount: u64 = message.decode().await?;
                // The bug: two instances may both read the old balance before either writes.
                let balance = account.read();
                sim.sleep(Duration::from_millis(sim.random() % 5)).await;
                account.write(balance + amount);
                message.reply(&()).await
            }
        });
    }
    let customer = conduit("customer")?;
    let mut deposits = Vec::new();
    for _ in 0..2 {
        let (bank, clock) = (customer.service("bank"), sim.clone());
        let pause = Duration::from_millis(sim.random() % 20);
        deposits.push(sim.process().run(async move {
            clock.sleep(pause).await;
            bank.request("deposit", &1_u64).await.map(drop)
        }));
    }
    for deposit in deposits {
        deposit.await.ok_or("it was killed")??;
    }
    match account.read() {
        2 => Ok(()),
        balance => Err(format!("two deposits of 1 made a balance of {balance}").into()),
    }
}

fn main() {
    // In a test, `check` alone is enough: its panic fails the test, with the same message.
    panic::set_hook(Box::new(|_| {}));
    let found = panic::catch_unwind(|| check(1_000, |sim| sim.block_on(deposits_add_up(sim))));
    match found {
        Ok(()) => println!("nothing was found"),
        Err(panic) => println!("{}", panic.downcast_ref::<String>().map_or("", String::as_str)),
    }
}
