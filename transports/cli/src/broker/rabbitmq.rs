use conduit_rabbitmq::RabbitMq;

use super::LIMIT;
use crate::{args::Broker, exit::Exit};

impl Broker {
    pub(super) async fn rabbitmq(&self) -> Result<RabbitMq, Exit> {
        self.has_no_secrets_of_nats("RabbitMQ")?;
        let mut options = RabbitMq::options().name("conduit command line").timeout(LIMIT);
        if let (Some(user), Some(password)) = (&self.user, &self.password) {
            options = options.user_and_password(user, password);
        }
        if let Some(file) = &self.tls_ca {
            options = options.add_root_certificates(file);
        }
        if let (Some(certificate), Some(key)) = (&self.tls_cert, &self.tls_key) {
            options = options.client_certificate(certificate, key);
        }
        let rabbitmq = RabbitMq::connect_with(options, [&*self.url]).await;
        rabbitmq.map_err(|error| self.not_connected(&error))
    }
}
