//! Our server as a process of its own, with people in it and a pipeline that publishes over HTTP.

use std::net::SocketAddr;

use bytes::Bytes;
use reqwest::multipart::{Form, Part};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use support::process::ServerProgram;
use support::{http, ours, picture, wait};
use tempfile::TempDir;

use crate::world::{EMAIL, Ours, PASSWORD, STREAM};

/// A data directory with one owner and one shop, and the server on it while it runs.
#[derive(Debug)]
pub struct Process {
    pub program: Option<ServerProgram>,
    pub address: SocketAddr,
    folder: TempDir,
    pipeline: Pipeline,
}

/// Publishes detections as the analysis of pictures does; cheap to clone.
#[derive(Debug, Clone)]
pub struct Pipeline {
    client: reqwest::Client,
    url: String,
    shop: String,
    token: String,
}

impl Process {
    /// Starts on a free port.
    pub async fn start() -> Process {
        let mut ours = Ours::start(|_| {}).await;
        let running = ours.running.take().unwrap();
        let token = running.users().service_token("a test").await.unwrap().expose_secret().to_owned();
        running.stop().await;
        let program = ServerProgram::start(ours.folder.path(), SocketAddr::from(([127, 0, 0, 1], 0))).await;
        let address = program.address;
        let pipeline = Pipeline {
            client: http::client(),
            url: format!("http://{address}"),
            shop: ours.shop.to_string(),
            token,
        };
        Process { program: Some(program), address, folder: ours.folder, pipeline }
    }

    pub fn kill(&mut self) {
        self.program.take().unwrap().kill();
    }

    /// Starts it again where it was.
    pub async fn resume(&mut self) {
        self.program = Some(ServerProgram::start(self.folder.path(), self.address).await);
    }

    pub fn pipeline(&self) -> Pipeline {
        self.pipeline.clone()
    }

    /// The ids of all rows of the record: what has to be on every computer.
    pub async fn record(&self) -> Vec<String> {
        let url = format!("http://{}", self.address);
        let token = http::token(&url, EMAIL, PASSWORD).await;
        let mut ids = Vec::new();
        loop {
            let page =
                format!("{url}/api/anomalies?shop_id={}&limit=500&offset={}", self.pipeline.shop, ids.len());
            let page = self.pipeline.client.get(page).bearer_auth(&token).send().await.unwrap();
            let page: Value = page.json().await.unwrap();
            let rows = page["anomalies"].as_array().unwrap();
            ids.extend(rows.iter().map(|row| row["id"].as_str().unwrap().to_owned()));
            if rows.len() < 500 {
                return ids;
            }
        }
    }
}

impl Pipeline {
    /// Publishes one detection of this person; its id if the server accepted it.
    pub async fn publish(&self, person: u16) -> Option<String> {
        self.publish_picture(person, picture::jpeg((person % 250) as u8)).await
    }

    /// The same with this picture.
    pub async fn publish_picture(&self, person: u16, picture: Bytes) -> Option<String> {
        let person = i64::from(person);
        let result = ours::seen(person, 30 * person);
        let alert =
            json!({"shop_id": self.shop, "stream_id": STREAM, "result": result, "location": "Aisle 3"});
        let picture = Part::bytes(picture.to_vec()).file_name("f.jpg");
        let form = Form::new()
            .part("alert", Part::text(alert.to_string()).mime_str("application/json").unwrap())
            .part("frame", picture.mime_str("image/jpeg").unwrap());
        let request = self.client.post(format!("{}/api/alerts", self.url)).bearer_auth(&self.token);
        let answer = request.multipart(form).send().await.ok()?;
        assert_eq!(answer.status(), 202);
        let body: Value = answer.json().await.ok()?;
        body["alert_id"].as_str().map(str::to_owned)
    }

    /// The same, tried until it is accepted.
    pub async fn insist(&self, person: u16) -> String {
        // A server may be frozen for longer than anything else takes.
        let deadline = tokio::time::Instant::now() + 5 * wait::PATIENCE;
        loop {
            if let Some(id) = self.publish(person).await {
                return id;
            }
            assert!(tokio::time::Instant::now() < deadline, "the server never took it");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}
