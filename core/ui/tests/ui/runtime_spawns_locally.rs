use std::{cell::RefCell, rc::Rc, time::Instant};

use conduit::{Runtime, Task};

struct Local(Rc<RefCell<Vec<Task>>>);

impl Runtime for Local {
    fn spawn(&self, task: Task) {
        self.0.borrow_mut().push(task);
    }

    fn sleep_until(&self, _: Instant) -> Task {
        Box::pin(async {})
    }

    fn now(&self) -> Instant {
        Instant::now()
    }
}

fn main() {}
