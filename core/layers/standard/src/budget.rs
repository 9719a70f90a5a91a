use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// How many retries are allowed: each call earns a part of one, and each retry spends one.
///
/// So retries add at most that part to a load, and a reserve: they cannot multiply it when everything
/// fails at once. Clones share the budget.
///
/// ```
/// use conduit_layers::Budget;
///
/// // One retry for ten calls, and two in advance.
/// let budget = Budget::new(0.1, 2);
/// assert!(budget.spend() && budget.spend());
/// assert!(!budget.spend());
/// for _ in 0..10 {
///     budget.earn();
/// }
/// assert!(budget.spend());
/// ```
#[derive(Debug, Clone)]
pub struct Budget(Arc<Account>);

#[derive(Debug)]
struct Account {
    /// In thousandths of a retry.
    balance: AtomicU64,
    earned: u64,
    most: u64,
}

const ONE: u64 = 1_000;

impl Budget {
    /// Creates a budget. A call earns `ratio` of a retry, in thousandths, at most one; `reserve` are
    /// available at first, and so many, with those of a hundred calls, can be saved.
    #[must_use]
    pub fn new(ratio: f64, reserve: u32) -> Self {
        // In range: 0 to 1,000.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let earned = (ratio.clamp(0.0, 1.0) * 1_000.0).round() as u64;
        let reserve = u64::from(reserve) * ONE;
        let balance = AtomicU64::new(reserve);
        Self(Arc::new(Account { balance, earned, most: reserve + 100 * earned }))
    }

    /// Notes a call.
    pub fn earn(&self) {
        let Account { balance, earned, most } = &*self.0;
        let add = |before: u64| Some((before + earned).min(*most));
        // Always adds.
        let _ = balance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    /// Spends one retry. Returns whether there was one.
    #[must_use = "without one there is no retry"]
    pub fn spend(&self) -> bool {
        let take = |before: u64| before.checked_sub(ONE);
        self.0.balance.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

impl Default for Budget {
    /// One retry for five calls, and ten in advance.
    fn default() -> Self {
        Self::new(0.2, 10)
    }
}
