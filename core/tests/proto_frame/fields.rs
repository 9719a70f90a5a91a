//! The fields of a packet as `vectors/packets.json` has them: by their names in section 4 of SPEC.md,
//! in lower case. Bytes stand as hexadecimal digits.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use conduit::{
    Headers, InstanceId, MessageId, ServiceName, Source,
    proto::{
        Detail, Reason, ReasonCode,
        frame::{ContentType, Frame, Head, Nonce, Receipt, Receiver, Request, StreamId},
    },
    transport::Target,
};
use serde::Deserialize;

use crate::hex;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Fields {
    r#type: String,
    flags: Vec<String>,
    service: Option<String>,
    instance: Option<String>,
    message: Option<String>,
    port: Option<u64>,
    target: Option<String>,
    credit: Option<u64>,
    offset: Option<u64>,
    length: Option<u64>,
    checksum: Option<String>,
    time_left: Option<u64>,
    content_type: Option<String>,
    headers: Vec<(String, String)>,
    code: Option<u64>,
    text: Option<String>,
    sequence: Option<u64>,
    request: Option<String>,
    failure_code: Option<String>,
    nonce: Option<String>,
    body: Option<String>,
}

impl Fields {
    /// The frame with these fields.
    ///
    /// Panics where a field is missing, or is one that the frame does not have.
    pub(crate) fn frame(mut self) -> Frame {
        let kind = std::mem::take(&mut self.r#type);
        let frame = match kind.as_str() {
            "Message" => Frame::Message { head: self.asking(), body: self.body() },
            "Offer" => {
                let message = id(self.message.as_deref());
                let head = self.asking();
                self.message = None;
                Frame::Offer { head, message, target: self.target(), length: self.length.take() }
            }
            "Accept" => Frame::Accept {
                message: self.message(),
                receiver: self.receiver(),
                target: self.target(),
                credit: some(self.credit.take()),
            },
            "Confirm" => Frame::Confirm {
                message: self.message(),
                port: some(self.port.take()),
                nonce: some(self.nonce()),
            },
            "Data" => Frame::Data {
                stream: self.stream(),
                offset: some(self.offset.take()),
                body: self.body(),
            },
            "End" => Frame::End {
                stream: self.stream(),
                length: some(self.length.take()),
                checksum: u32::from_be_bytes(hex::array(&some(self.checksum.take()))),
            },
            "Credit" => Frame::Credit {
                stream: self.stream(),
                receiver: self.receiver(),
                receipt: Receipt {
                    have: some(self.offset.take()),
                    credit: some(self.credit.take()),
                    started: self.flag("STARTED"),
                    done: self.flag("DONE"),
                    nonce: self.nonce(),
                },
            },
            "Ping" => Frame::Ping { stream: self.stream() },
            "Reset" => Frame::Reset {
                stream: self.stream(),
                port: self.port.take(),
                reason: self.reason(),
            },
            "Stop" => Frame::Stop {
                stream: self.stream(),
                receiver: self.receiver(),
                target: self.target(),
                reason: self.reason(),
            },
            "Reply" => {
                Frame::Reply { message: self.message(), head: self.head(None), body: self.body() }
            }
            "ReplyStream" => Frame::ReplyStream {
                request: id(self.request.take().as_deref()),
                message: self.message(),
                head: self.head(None),
                length: self.length.take(),
            },
            "Failure" => Frame::Failure {
                message: self.message(),
                instance: self.instance(),
                target: self.target(),
                started: self.flag("STARTED"),
                reason: self.reason(),
                detail: Detail {
                    code: self.failure_code.take().unwrap_or_default(),
                    transient: self.flag("TRANSIENT"),
                    content_type: self.content_type(),
                    value: self.body(),
                },
            },
            "Cancel" => Frame::Cancel { message: self.message() },
            "Alive" => Frame::Alive {
                message: self.message(),
                instance: self.instance(),
                target: self.target(),
            },
            "Probe" => Frame::Probe { message: self.message() },
            "Batch" => Frame::Batch { packets: self.body() },
            "Describe" => Frame::Describe {
                message: self.message(),
                source: self.source(),
                time_left: Duration::from_millis(some(self.time_left.take())),
                brief: self.flag("BRIEF"),
            },
            "Description" => Frame::Description {
                message: self.message(),
                source: self.source(),
                body: self.body(),
            },
            kind => panic!("there is no frame {kind:?}"),
        };
        assert_eq!(self, Self::default(), "{kind} does not have these");
        frame
    }

    /// A head that may ask.
    fn asking(&mut self) -> Arc<Head> {
        let request = self.flag("REQUEST").then(|| Request {
            message: self.message(),
            time_left: self.time_left.take().map(Duration::from_millis),
            credit: some(self.credit.take()),
        });
        self.head(request)
    }

    fn head(&mut self, request: Option<Request>) -> Arc<Head> {
        let mut headers = Headers::new();
        for (key, value) in self.headers.drain(..) {
            headers.add(key, value).expect("the header is valid");
        }
        Arc::new(Head {
            source: self.source(),
            content_type: self.content_type(),
            headers,
            sequence: self.sequence.take(),
            request,
        })
    }

    fn source(&mut self) -> Source {
        let service = ServiceName::new(some(self.service.take())).expect("the name is valid");
        Source { service, instance: self.instance() }
    }

    fn stream(&mut self) -> StreamId {
        StreamId { message: self.message(), reply: self.flag("REPLY") }
    }

    fn receiver(&mut self) -> Receiver {
        Receiver { instance: self.instance(), port: some(self.port.take()) }
    }

    fn reason(&mut self) -> Reason {
        let code = ReasonCode::from_wire(some(self.code.take()));
        Reason { code, text: self.text.take().unwrap_or_default() }
    }

    fn flag(&mut self, name: &str) -> bool {
        let before = self.flags.len();
        self.flags.retain(|flag| flag != name);
        self.flags.len() < before
    }

    fn target(&mut self) -> Target {
        match some(self.target.take()).as_str() {
            "plain" => Target::Plain,
            "group" => Target::Group,
            target => panic!("there is no target {target:?}"),
        }
    }

    fn message(&mut self) -> MessageId {
        id(self.message.take().as_deref())
    }

    fn instance(&mut self) -> InstanceId {
        InstanceId::from_bytes(hex::array(&some(self.instance.take())))
    }

    fn nonce(&mut self) -> Option<Nonce> {
        self.nonce.take().map(|nonce| Nonce::from_bytes(hex::array(&nonce)))
    }

    fn content_type(&mut self) -> Option<ContentType> {
        let text = self.content_type.take()?;
        Some(ContentType::new(&text).expect("the content type is valid"))
    }

    /// One that is empty stands for none.
    fn body(&mut self) -> Bytes {
        hex::bytes(&self.body.take().unwrap_or_default())
    }
}

fn some<T>(field: Option<T>) -> T {
    field.expect("the frame has this field")
}

fn id(text: Option<&str>) -> MessageId {
    MessageId::from_bytes(hex::array(some(text)))
}
