//! What stands between clients and a server.

use std::{
    io,
    net::{TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use async_io::Async;
use conduit_testing::{Certificates, Outcome};
use futures_rustls::{
    TlsAcceptor,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    rustls::{RootCertStore, ServerConfig, crypto::ring, server::WebPkiClientVerifier},
};

use super::Server;

/// Something between clients and a server. Returns its port.
pub fn between(
    server: &Server,
    each: impl Fn(TcpStream, TcpStream) + Send + 'static,
) -> io::Result<u16> {
    let port = server.port();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let own = listener.local_addr()?.port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            if let Ok(server) = TcpStream::connect(("127.0.0.1", port)) {
                each(client, server);
            }
        }
    });
    Ok(own)
}

/// A server does not speak TLS everywhere, so something before it does. Returns its port.
pub fn encrypted(server: &Server, certificates: &Certificates, verify: bool) -> Outcome<u16> {
    let path = |name| certificates.path(name);
    let provider = Arc::new(ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(path("ca.pem"))?)?;
    let config = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()?;
    let config = if verify {
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        config.with_client_cert_verifier(verifier.build()?)
    } else {
        config.with_no_client_auth()
    };
    let chain = vec![CertificateDer::from_pem_file(path("server.pem"))?];
    let config =
        config.with_single_cert(chain, PrivateKeyDer::from_pem_file(path("server.key"))?)?;
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let port = between(server, move |client, server| {
        let acceptor = acceptor.clone();
        ::smol::spawn(async move {
            let client = acceptor.accept(Async::new(client)?).await?;
            let server = Async::new(server)?;
            let (from_client, to_client) = futures_lite::io::split(client);
            let there = futures_lite::io::copy(from_client, &server);
            let back = futures_lite::io::copy(&server, to_client);
            futures_lite::future::or(there, back).await
        })
        .detach();
    })?;
    Ok(port)
}
