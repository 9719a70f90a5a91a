/// Resends to a receiver that was silent, and may lack packets or just be slow. It gets one packet,
/// and with each sign of progress twice as many: resending all at once would flood the network.
#[derive(Debug)]
pub(super) struct Resumption {
    /// It was sent everything before this offset.
    until: u64,
    /// Packets for each sign of progress.
    burst: u32,
    /// Packets that may be sent before the next one.
    left: u32,
}

impl Resumption {
    /// Starts, perhaps again, to resend to a receiver that was sent everything before an offset.
    pub(super) fn anew(before: Option<Self>, sent: u64) -> Self {
        let until = before.map_or(sent, |before| before.until.max(sent));
        Self { until, burst: 1, left: 1 }
    }

    /// Returns whether the receiver has caught up by having everything before an offset. Otherwise
    /// this is a sign of progress.
    pub(super) fn is_over(&mut self, have: u64) -> bool {
        if have >= self.until {
            return true;
        }
        self.burst = self.burst.saturating_mul(2);
        self.left = self.burst;
        false
    }

    pub(super) fn may_send(&self) -> bool {
        self.left > 0
    }

    /// Notes that a packet was sent.
    pub(super) fn handle_sent(&mut self) {
        self.left = self.left.saturating_sub(1);
    }
}
