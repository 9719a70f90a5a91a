//! What the server says of what was published.

use super::{Lane, News, Published, State};
use crate::frame::{Fault, Frame, Method};

impl State {
    /// Takes what the server says on the publishing connection.
    pub(in crate::state) fn published(&mut self, channel: u16, frame: Frame, news: &mut News) {
        let Some(lane) = Lane::of(channel) else { return };
        match frame {
            Frame::Method(Method::Ack { tag, multiple } | Method::Nack { tag, multiple }) => {
                self.settled(lane, tag, multiple, news);
            }
            // The content of a packet that was returned.
            Frame::Header { correlation: Some(number), .. } => self.returned(lane, number, news),
            Frame::Method(Method::QosSet) => {
                if let Some(mark) = self.lanes.marks.pop_front() {
                    mark.give(Ok(()));
                }
            }
            Frame::Method(Method::ChannelClose(fault)) => self.lane_closed(lane, &fault, news),
            _ => {}
        }
    }

    fn settled(&mut self, lane: Lane, tag: u64, multiple: bool, news: &mut News) {
        let unsettled = &mut self.lanes.lanes[lane as usize];
        let Some(last) = tag.checked_sub(unsettled.first) else { return };
        let last = usize::try_from(last).unwrap_or(usize::MAX);
        let begin = if multiple { 0 } else { last };
        let mut confirmed = Vec::new();
        for at in begin..=last {
            let Some(published) = unsettled.packets.get_mut(at) else { break };
            published.settled = true;
        }
        while unsettled.packets.front().is_some_and(|first| first.settled) {
            let Some(published) = unsettled.packets.pop_front() else { break };
            unsettled.first += 1;
            published.marks.into_iter().for_each(|mark| mark.give(Ok(())));
            if let Some(answer) = published.answer {
                answer.give(Ok(()));
            }
            confirmed.extend(published.unsure);
        }
        for unsure in confirmed {
            self.lanes.settle_unsure(&unsure.place);
            news.permitted.push(unsure);
        }
    }

    fn returned(&mut self, lane: Lane, number: u64, news: &mut News) {
        let unsettled = &mut self.lanes.lanes[lane as usize];
        let at = number.checked_sub(unsettled.first).and_then(|at| usize::try_from(at).ok());
        let published = at.and_then(|at| unsettled.packets.get_mut(at));
        if let Some((inbox, token)) = published.and_then(|published| published.undelivered.take()) {
            self.notice(&inbox, token, news);
        }
    }

    /// The server does not permit something, and has thrown away all that came after it.
    fn lane_closed(&mut self, lane: Lane, fault: &Fault, news: &mut News) {
        let lost = std::mem::take(&mut self.lanes.lanes[lane as usize].packets);
        if fault.is_denied() {
            let key = |published: &&Published| {
                let key = published.name.split_once('.').map_or("", |(_, key)| key);
                fault.text.contains(&format!("'{key}'"))
            };
            let culprit = lost.iter().find(key).or(lost.front());
            if let Some(culprit) = culprit {
                news.denied.push((culprit.name.to_string(), fault.to_string()));
                news.suspects.push(culprit.name.to_string());
            }
        } else {
            news.errors.push(fault.to_string());
        }
        for published in lost {
            if let Some(unsure) = published.unsure {
                self.lanes.settle_unsure(&unsure.place);
            }
            if let Some(answer) = published.answer {
                answer.give(Err(fault.clone()));
            }
            published.marks.into_iter().for_each(|mark| mark.give(Ok(())));
        }
        self.open_lane(lane);
        if lane == Lane::Sure {
            let marks = std::mem::take(&mut self.lanes.marks);
            marks.into_iter().for_each(|mark| mark.give(Ok(())));
        }
    }
}
