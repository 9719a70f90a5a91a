use super::{Answers, Room, Weight};
use crate::{Error, ErrorKind, Executed, InstanceId};

const fn instance(number: u8) -> InstanceId {
    InstanceId::from_bytes([number; InstanceId::LEN])
}

#[test]
fn what_is_said_of_many_is_true_of_the_instance_that_is_named() {
    use Executed::{Maybe, No, Yes};
    for (said, (by, executed)) in [([No, Yes, No], (2, Yes)), ([Maybe, No, Maybe], (3, Maybe))] {
        let mut answers = Answers::default();
        let mut add = |number, executed| {
            let error = Error::from(ErrorKind::HandlerFailed).with_executed(executed);
            let answer = Err(error.heard_from(instance(number)));
            answers.add_one(Room { answers: 1, bytes: 100 }, answer, Weight::default()).is_some()
        };
        assert!(!add(0, No), "there is room for one");
        for (number, said) in (1..).zip(said) {
            assert!(add(number, said));
        }
        assert!(answers.take().is_some());
        let (answer, count) = answers.take().expect("one stands for the others");
        let error = answer.map(drop).expect_err("they are dropped");
        assert_eq!((error.kind(), error.executed(), count), (ErrorKind::Overloaded, executed, 3));
        assert_eq!(error.instance(), Some(instance(by)));
        assert!(answers.take().is_none());
    }
}
