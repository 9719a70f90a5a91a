use async_channel::Sender;

/// Something to be held by what may be dropped: it tells when it is.
pub(crate) struct Guard(pub(crate) Sender<()>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.try_send(()).ok();
    }
}
