//! In which order messages come.

use std::sync::Arc;

use conduit::{Binding, Conduit};

use crate::{Broker, Guarantee, Number, Violation, World};

const RULE: Guarantee = Guarantee::Order;
/// In bytes: of one packet, streamed within the first window, and streamed beyond it.
const SIZES: [usize; 5] = [8, 100_000, 16, 20_000, 1_000];

/// G5: messages of one sender come in the order in which they were sent while they are read,
/// whatever their size.
///
/// # Errors
/// What does not hold.
pub async fn mixed_sizes_keep_their_order<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const COUNT: u64 = 300;
    let sender = world.patient_conduit("sender").await;
    let receiver = world.conduit("receiver").await;
    for subject in ["plain", "queue"] {
        let mut binding = bind(&receiver, subject).await?;
        let sends = sender.clone();
        let sent = world.run(async move {
            for number in 0..COUNT {
                send(&sends, subject, number).await?;
            }
            Ok::<_, conduit::Error>(())
        });
        for number in 0..COUNT {
            expect_number(&mut binding, number).await?;
        }
        RULE.expect("send", sent.await)?;
    }
    Ok(())
}

/// G5: a streamed message takes its place when it is offered, and keeps it while it waits.
///
/// # Errors
/// What does not hold.
pub async fn waiting_messages_keep_their_order<B: Broker>(
    world: Arc<World<B>>,
) -> Result<(), Violation> {
    const COUNT: u64 = 40;
    let sender = world.patient_conduit("sender").await;
    let receiver = world.conduit("receiver").await;
    for subject in ["plain", "queue"] {
        let mut binding = bind(&receiver, subject).await?;
        let mut sent = Vec::new();
        for number in 0..COUNT {
            sent.push(world.run(send(&sender, subject, number)));
            let what = || format!("message {number} did not come to wait");
            let arrived = || binding.waiting() as u64 > number;
            world.eventually(RULE, what, arrived).await?;
        }
        for number in 0..COUNT {
            expect_number(&mut binding, number).await?;
        }
        for sent in sent {
            RULE.expect("send", sent.await)?;
        }
    }
    Ok(())
}

async fn bind(receiver: &Conduit<Number>, subject: &str) -> Result<Binding<Number>, Violation> {
    let bound = match subject {
        "queue" => receiver.queue_bind(subject).await,
        _ => receiver.bind(subject).await,
    };
    RULE.expect("bind", bound)
}

/// Sends a body that begins with a number, and whose size depends on it.
fn send(
    sender: &Conduit<Number>,
    subject: &str,
    number: u64,
) -> impl Future<Output = Result<(), conduit::Error>> + Send + use<> {
    let plain = usize::from(subject == "plain");
    let sending = sender.service("receiver").send_body(subject, body(number)).expect(plain);
    async move { sending.await.map(drop) }
}

fn body(number: u64) -> Vec<u8> {
    let turn = usize::try_from(number).unwrap_or_default();
    let mut body = number.to_be_bytes().to_vec();
    body.resize(SIZES[turn % SIZES.len()], 7);
    body
}

async fn expect_number(binding: &mut Binding<Number>, number: u64) -> Result<(), Violation> {
    let Some(message) = binding.next().await else {
        return Err(Violation::new(RULE, "the binding ended"));
    };
    let got = RULE.expect("read", message.to_bytes().await)?;
    RULE.ensure(*got == body(number), || {
        let first = got.get(..8).map(<[u8]>::to_vec);
        format!("wanted message {number}, got the one that begins {first:?}")
    })
}
