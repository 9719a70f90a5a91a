use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use nkeys::KeyPair;
use serde_json::{Value, json};

/// An operator with one account, and users of it: what `nsc` makes for a server in operator mode.
pub struct Operator {
    operator: KeyPair,
    account: KeyPair,
}

impl Operator {
    pub fn new() -> Self {
        Self { operator: KeyPair::new_operator(), account: KeyPair::new_account() }
    }

    /// The configuration of a server that trusts this operator.
    pub fn config(&self) -> String {
        let operator = jwt(&self.operator, &self.operator, "operator", json!({}));
        let unlimited = json!({
            "subs": -1, "conn": -1, "leaf": -1, "imports": -1, "exports": -1, "data": -1,
            "payload": -1, "wildcards": true
        });
        let account = jwt(&self.account, &self.operator, "account", json!({ "limits": unlimited }));
        let key = self.account.public_key();
        format!("operator: {operator}\nresolver: MEMORY\nresolver_preload: {{ {key}: {account} }}")
    }

    /// The text of a credentials file for a new user.
    pub fn credentials(&self) -> String {
        let user = KeyPair::new_user();
        let limits = json!({ "subs": -1, "data": -1, "payload": -1 });
        let token = jwt(&user, &self.account, "user", limits);
        let seed = user.seed().expect("a key pair of our own has a seed");
        format!(
            "-----BEGIN NATS USER JWT-----\n{token}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        )
    }
}

/// What an issuer says of somebody.
fn jwt(of: &KeyPair, by: &KeyPair, kind: &str, mut claims: Value) -> String {
    claims["type"] = kind.into();
    claims["version"] = 2.into();
    let claims = json!({
        "jti": HEXLOWER.encode(of.public_key().as_bytes()),
        "iat": 1_700_000_000,
        "iss": by.public_key(),
        "name": kind,
        "sub": of.public_key(),
        "nats": claims,
    });
    let header = json!({ "typ": "JWT", "alg": "ed25519-nkey" });
    let encode = |value: Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let signed = format!("{}.{}", encode(header), encode(claims));
    let signature = by.sign(signed.as_bytes()).expect("a key pair of our own signs");
    format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature))
}
