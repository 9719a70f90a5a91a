use conduit::{MAX_SERVICE_NAME, MAX_SUBJECT, NameRule, ServiceName, Subject, transport::Token};

/// Makes names and tokens of any text, which never panics, and accepts exactly what the rules say.
pub fn names(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let is_token = |token: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        !token.is_empty() && token.chars().all(allowed)
    };

    let is_service = text.len() <= MAX_SERVICE_NAME && is_token(&text);
    let service = ServiceName::new(&*text);
    assert_eq!(service.is_ok(), is_service, "{text:?}");
    match service {
        Ok(name) => assert_eq!(name.as_str(), text),
        Err(error) => explains(&text, error.name(), error.rule(), MAX_SERVICE_NAME),
    }

    let is_subject = text.len() <= MAX_SUBJECT && text.split('.').all(is_token);
    let subject = Subject::new(&*text);
    assert_eq!(subject.is_ok(), is_subject, "{text:?}");
    match subject {
        Ok(name) => assert_eq!(name.as_str(), text),
        Err(error) => explains(&text, error.name(), error.rule(), MAX_SUBJECT),
    }

    if let Ok(token) = text.parse::<Token>() {
        assert_eq!(token.to_string(), text, "a token has one text");
    }
}

/// An error shows the start of the name and a rule that the name does break.
fn explains(text: &str, shown: &str, rule: NameRule, most: usize) {
    assert!(text.starts_with(shown));
    match rule {
        NameRule::Empty => assert_eq!(text, ""),
        NameRule::TooLong(limit) => assert!(limit == most && text.len() > most),
        NameRule::Character(c) => assert!(text.contains(c)),
        NameRule::EmptyToken => assert!(text.split('.').any(str::is_empty)),
        rule => panic!("{rule} is new"),
    }
}
