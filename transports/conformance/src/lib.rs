//! What every Conduit transport must pass, under every runtime.
