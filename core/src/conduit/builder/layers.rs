use super::Builder;
use crate::layer::Layer;

impl<R, T, E> Builder<R, T, E> {
    /// Adds a [layer](crate::layer) around every message of the conduit, within those that were added
    /// before.
    pub fn layer(mut self, layer: impl Layer) -> Self {
        self.layers.push(layer);
        self
    }
}
