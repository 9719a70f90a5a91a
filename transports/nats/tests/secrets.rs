//! Every way to say who one is: with the right secret, with a wrong one, and never told to anybody.

mod support;

use std::{error::Error, fs};

use async_nats::ConnectOptions;
use conduit::transport::Transport;
use conduit_nats::{ConnectError, ConnectErrorKind, Nats};
use nkeys::KeyPair;
use support::{
    Certificates, Operator, Outcome, Server, inbox, logged, next, tls_config, under_every_runtime,
};

under_every_runtime!(
    user_and_password,
    a_password_in_the_url,
    a_token,
    an_nkey,
    a_credentials_file,
    a_private_authority,
    a_client_certificate,
    several_urls,
);

/// Connects with the right secret and with a wrong one, and looks for both wherever people look.
async fn try_both(
    url: String,
    right: ConnectOptions,
    wrong: ConnectOptions,
    expected: ConnectErrorKind,
    secrets: &[&str],
) -> Outcome {
    logged();
    let nats = Nats::connect_with(right, &url).await?;
    works(&nats).await?;
    let error = Nats::connect_with(wrong, &url).await.expect_err("a wrong secret");
    assert_eq!(error.kind(), expected, "{error:?}");
    is_quiet(&nats, &error, secrets);
    Ok(())
}

async fn works(nats: &Nats) -> Outcome {
    let mut packets = nats.subscribe(&inbox(1)).await?;
    nats.flush().await?;
    nats.publish(&inbox(1), "it works".into(), None).await?;
    assert_eq!(next(&mut packets).await, b"it works");
    Ok(())
}

fn is_quiet(nats: &Nats, error: &ConnectError, secrets: &[&str]) {
    let mut causes = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push_str(&format!("{error} {error:?}"));
        cause = error.source();
    }
    let logged = logged();
    assert!(logged.contains("connected to NATS"), "what we log is seen");
    assert!(logged.contains("write operation: CONNECT"), "what async-nats logs is seen");
    for secret in secrets {
        for shown in [&format!("{nats:?} {error} {error:?}"), &causes, &logged] {
            assert!(!shown.contains(secret), "{secret} is told in {shown}");
        }
    }
}

async fn user_and_password() -> Outcome {
    let server =
        Server::with_config("authorization { user: alice, password: 'open sesame by option' }");
    let options =
        |password: &str| Nats::options().user_and_password("alice".into(), password.into());
    let (right, wrong) = ("open sesame by option", "open barley by option");
    let kind = ConnectErrorKind::Unauthorized;
    try_both(server.url(), options(right), options(wrong), kind, &[right, wrong]).await
}

async fn a_password_in_the_url() -> Outcome {
    logged();
    let server = Server::with_config("authorization { user: alice, password: open_sesame_by_url }");
    let nats = Nats::connect(server.url_as("alice", "open_sesame_by_url")).await?;
    works(&nats).await?;
    for url in [
        server.url_as("alice", "open_barley_by_url"),
        "http://alice:open_barley_by_url@localhost".to_owned(),
        "nats://alice:open_barley_by_url@".to_owned(),
        "nats://alice:open_barley_by_url@localhost:port".to_owned(),
        "nats://alice:open_barley_by_url@host.invalid".to_owned(),
    ] {
        let error = Nats::connect(url).await.expect_err("a wrong secret");
        is_quiet(&nats, &error, &["open_sesame_by_url", "open_barley_by_url"]);
    }
    Ok(())
}

async fn a_token() -> Outcome {
    let server = Server::with_config("authorization { token: open_sesame_by_token }");
    let options = |token: &str| Nats::options().token(token.into());
    let (right, wrong) = ("open_sesame_by_token", "open_barley_by_token");
    let kind = ConnectErrorKind::Unauthorized;
    try_both(server.url(), options(right), options(wrong), kind, &[right, wrong]).await
}

async fn an_nkey() -> Outcome {
    let (right, wrong) = (KeyPair::new_user(), KeyPair::new_user());
    let config = format!("authorization {{ users: [ {{ nkey: {} }} ] }}", right.public_key());
    let server = Server::with_config(&config);
    let (right, wrong) = (right.seed()?, wrong.seed()?);
    let options = |seed: &str| Nats::options().nkey(seed.into());
    let kind = ConnectErrorKind::Unauthorized;
    try_both(server.url(), options(&right), options(&wrong), kind, &[&right, &wrong]).await?;
    let nonsense = Nats::connect_with(options("SUNONSENSE"), server.url()).await;
    assert_eq!(nonsense.expect_err("no key").kind(), ConnectErrorKind::Unauthorized);
    Ok(())
}

async fn a_credentials_file() -> Outcome {
    let (ours, theirs) = (Operator::new(), Operator::new());
    let server = Server::with_config(&ours.config());
    let (right, wrong) = (ours.credentials(), theirs.credentials());
    let options = |text: &str| -> Result<ConnectOptions, std::io::Error> {
        let file = tempfile::NamedTempFile::new()?;
        fs::write(&file, text)?;
        Nats::options().credentials(&fs::read_to_string(&file)?)
    };
    // The token and the seed: every long line.
    let long = |line: &&str| line.len() > 40 && !line.starts_with('-');
    let secrets: Vec<_> = right.lines().chain(wrong.lines()).filter(long).collect();
    assert_eq!(secrets.len(), 4);
    let kind = ConnectErrorKind::Unauthorized;
    try_both(server.url(), options(&right)?, options(&wrong)?, kind, &secrets).await
}

async fn a_private_authority() -> Outcome {
    let (ours, theirs) = (Certificates::new(), Certificates::new());
    let server = Server::with_config(&tls_config(&ours, false));
    let options = |of: &Certificates| Nats::options().add_root_certificates(of.path("ca.pem"));
    let kind = ConnectErrorKind::Tls;
    try_both(server.tls_url(), options(&ours), options(&theirs), kind, &[]).await?;

    // The name counts too, and so does that the file is there.
    let elsewhere = Nats::connect_with(options(&ours), server.url()).await;
    assert_eq!(elsewhere.expect_err("another name").kind(), ConnectErrorKind::Tls);
    let options = Nats::options().add_root_certificates(ours.path("none.pem"));
    let nothing = Nats::connect_with(options, server.tls_url()).await;
    assert_eq!(nothing.expect_err("no authority").kind(), ConnectErrorKind::Tls);
    Ok(())
}

async fn a_client_certificate() -> Outcome {
    let (ours, theirs) = (Certificates::new(), Certificates::new());
    let server = Server::with_config(&tls_config(&ours, true));
    let options = || Nats::options().add_root_certificates(ours.path("ca.pem"));
    let options_with = |of: &Certificates| {
        options().add_client_certificate(of.path("client.pem"), of.path("client.key"))
    };
    let key = |of: &Certificates| {
        let pem = fs::read_to_string(of.path("client.key"))?;
        Ok::<_, std::io::Error>(pem.lines().nth(1).unwrap_or_default().to_owned())
    };
    let (right, wrong) = (key(&ours)?, key(&theirs)?);
    assert!(right.len() > 40 && wrong.len() > 40);
    let (url, kind) = (server.tls_url(), ConnectErrorKind::Tls);
    let secrets = [right.as_str(), wrong.as_str()];
    try_both(url.clone(), options_with(&ours), options_with(&theirs), kind, &secrets).await?;
    let without = Nats::connect_with(options(), url).await;
    assert_eq!(without.expect_err("no certificate").kind(), ConnectErrorKind::Tls);
    Ok(())
}

async fn several_urls() -> Outcome {
    let server = Server::start();
    let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let nats = Nats::connect(vec![format!("nats://{free}"), server.url()]).await?;
    works(&nats).await
}
