//! A formatter that limits the nesting of arrays and objects.

use std::io::{self, Write};

use serde_json::ser::{CompactFormatter, Formatter};

/// The maximum nesting of arrays and objects: as deep as [`serde_json`] reads.
const MAX_DEPTH: usize = 127;

/// Writes without white space, and counts the open levels.
#[derive(Default)]
pub(crate) struct Levels(usize);

impl Levels {
    fn enter(&mut self) -> io::Result<()> {
        if self.0 == MAX_DEPTH {
            let text = format!("it is nested deeper than {MAX_DEPTH} levels");
            return Err(io::Error::other(text));
        }
        self.0 += 1;
        Ok(())
    }

    fn leave(&mut self) {
        self.0 -= 1;
    }
}

impl Formatter for Levels {
    fn begin_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.enter()?;
        CompactFormatter.begin_array(writer)
    }

    fn end_array<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.leave();
        CompactFormatter.end_array(writer)
    }

    fn begin_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.enter()?;
        CompactFormatter.begin_object(writer)
    }

    fn end_object<W: Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.leave();
        CompactFormatter.end_object(writer)
    }
}
