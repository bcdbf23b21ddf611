//! A plain HTTP client for tests, which follows no redirect.

use std::sync::Once;

use serde_json::{Value, json};

use crate::wait;

/// A new client.
pub fn client() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
    let client = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    // A server that answers nothing fails the test that asked it.
    client.timeout(wait::PATIENCE).build().unwrap()
}

/// A token for this person, as a client of another make gets it.
pub async fn token(server: &str, email: &str, password: &str) -> String {
    let body = json!({"email": email, "password": password});
    let answer = client().post(format!("{server}/auth/login")).json(&body).send().await.unwrap();
    let answer: Value = answer.json().await.unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}
