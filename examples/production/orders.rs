//! What the service does: an order takes from the stock, which any instance of the service keeps.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use conduit::{Conduit, Contract, Failure, Message};
use conduit_json::Json;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) item: String,
    pub(crate) count: u32,
}

/// Orders, and how many are left.
pub(crate) const ORDER: Contract<Order, u32> = Contract::request("order");
/// Takes from the stock.
const TAKE: Contract<Order, u32> = Contract::request("stock.take");

#[derive(Debug)]
struct Scarce(String, u32);

impl std::fmt::Display for Scarce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "there are {} of {}", self.1, self.0)
    }
}

impl Error for Scarce {}

/// The codes of errors, in one place.
pub(crate) fn failure(error: &(dyn Error + 'static)) -> Option<Failure> {
    let scarce: &Scarce = error.downcast_ref()?;
    Some(Failure::new("item.scarce", scarce.to_string()))
}

pub(crate) struct Shop {
    stock: Mutex<BTreeMap<String, u32>>,
    orders: AtomicU64,
}

impl Shop {
    /// Asks the service that keeps the stock, within the time and the trace of the order.
    async fn order(
        self: Arc<Self>,
        order: Order,
        message: Message<Json>,
    ) -> Result<u32, conduit::Error> {
        let stock = message.service("shop");
        let left = stock.call(&TAKE, &order).await?;
        self.orders.fetch_add(1, Ordering::Relaxed);
        Ok(left)
    }

    async fn take(&self, Order { item, count }: Order) -> Result<u32, Scarce> {
        let mut stock = self.stock.lock().unwrap_or_else(PoisonError::into_inner);
        let left = stock.entry(item.clone()).or_insert(1_000_000);
        *left = left.checked_sub(count).ok_or(Scarce(item, *left))?;
        Ok(*left)
    }

    /// How many orders were served here.
    pub(crate) fn count(&self) -> u64 {
        self.orders.load(Ordering::Relaxed)
    }
}

pub(crate) async fn serve(conduit: &Conduit<Json>) -> Result<Arc<Shop>, conduit::Error> {
    let shop = Arc::new(Shop { stock: Mutex::default(), orders: AtomicU64::new(0) });
    let orders = conduit.queue_bind(&ORDER).await?.concurrency(64);
    orders.with(Arc::clone(&shop)).serve_with(Shop::order);
    conduit.queue_bind(&TAKE).await?.concurrency(64).with(Arc::clone(&shop)).serve(Shop::take);
    Ok(shop)
}
