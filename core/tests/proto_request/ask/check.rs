//! What must be true in the end.

use conduit::{Executed, InstanceId, proto::AskerEvent, transport::Target};

use super::{Answer, Play, Station};

impl Play {
    /// What the asker was told is true, and it was told in time.
    pub(super) fn check(&self) {
        let runs = self.stations.iter().flat_map(Station::ran);
        let members = runs.filter(|target| *target == Target::Group).count();
        assert!(members <= 1, "{members} members of the group ran: {:?}", self.stations);
        for answer in &self.answers {
            self.check_answer(answer);
        }
        self.check_upload();
        let is_in_time =
            self.deadline.is_none_or(|deadline| self.start + self.answered <= deadline);
        assert!(is_in_time, "{:?} after {:?}", self.answers, self.answered);
        assert!(self.asker.takes_all() || self.answers.len() == 1, "{:?}", self.answers);
    }

    fn check_answer(&self, answer: &Answer) {
        let (executed, by) = match answer {
            Answer::Reply(instance) => (Executed::Yes, Some(*instance)),
            Answer::Event(AskerEvent::Failed { failure, executed }) => {
                (*executed, Some(failure.instance))
            }
            Answer::Event(AskerEvent::NoReceivers) => (Executed::No, None),
            Answer::NotSent(error) => (error.executed, error.by),
            Answer::Deadline(executed) | Answer::GivenUp(executed) => (*executed, None),
            Answer::Event(_) => return,
        };
        match (executed, by) {
            (Executed::Yes, Some(by)) => {
                assert!(self.has_handled(by), "{answer:?}: {:?}", self.stations);
            }
            (Executed::Yes, None) => panic!("nobody says so: {answer:?}"),
            // Of all, each speaks for itself.
            (Executed::No, Some(_)) if self.asker.takes_all() => {}
            (Executed::No, _) => assert_eq!(self.ran(), 0, "{answer:?}: {:?}", self.stations),
            (Executed::Maybe, _) => {}
        }
    }

    /// Whether a handler of an instance has had the request.
    fn has_handled(&self, instance: InstanceId) -> bool {
        let at = self.stations.iter().find(|station| station.instance() == instance);
        at.is_some_and(|station| {
            let mut ports = station.streamed.ports().iter();
            station.ran().next().is_some() || ports.any(|port| port.handling.started)
        })
    }

    /// Nothing is left of the body, no binding has run that was not confirmed, and those that are said to
    /// have all of it have.
    fn check_upload(&self) {
        let Some(upload) = &self.upload else { return };
        assert!(upload.is_over(), "its body does not end: {upload:?}");
        for port in self.stations.iter().flat_map(|station| station.streamed.ports()) {
            let is_confirmed = upload.is_confirmed(port.receiver());
            let has_run = port.handling.ran;
            assert!(is_confirmed || !has_run, "it was not confirmed: {port:?}, {upload:?}");
            let may_have_run = upload.executed_at(port.target()) == Executed::Maybe;
            assert!(may_have_run || !has_run, "none was confirmed: {port:?}, {upload:?}");
            let is_delivered = upload.delivered().any(|receiver| receiver == port.receiver());
            let has_all = port.handling.has_all || upload.is_empty();
            assert!(has_all || !is_delivered, "it does not have it: {port:?}");
        }
        for station in &self.stations {
            assert!(station.streamed.is_over(), "it is still there: {station:?}");
        }
    }
}
