use conduit_redis::Redis;

use super::LIMIT;
use crate::{args::Broker, exit::Exit};

impl Broker {
    pub(super) async fn redis(&self) -> Result<Redis, Exit> {
        self.has_no_secrets_of_nats("Redis")?;
        let mut options = Redis::options().name("conduit-command-line").timeout(LIMIT);
        if let (Some(user), Some(password)) = (&self.user, &self.password) {
            options = options.user_and_password(user, password);
        }
        if let Some(file) = &self.tls_ca {
            options = options.add_root_certificates(file);
        }
        if let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) {
            options = options.client_certificate(certificate, key);
        }
        let redis = Redis::connect_with(options, [&*self.url]).await;
        redis.map_err(|error| self.not_connected(&error))
    }
}
