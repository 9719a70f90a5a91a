use super::Certificates;

/// The configuration of a server with certificates, which may want a client's.
pub fn tls_config(certificates: &Certificates, verify: bool) -> String {
    let path = |name| certificates.path(name).display().to_string();
    format!(
        "tls {{ cert_file: '{}', key_file: '{}', ca_file: '{}', verify: {verify} }}",
        path("server.pem"),
        path("server.key"),
        path("ca.pem")
    )
}
