//! Uploads by hand.

use crate::support::client::Client;
use crate::support::server::Server;

/// Somebody who sends files, and wants to see all answers.
pub(crate) struct Sender<'a> {
    agent: ureq::Agent,
    server: &'a Server,
    client: &'a Client,
}

/// Status, code of the error, and whether it is said when to come again.
pub(crate) type Refusal = (u16, String, bool);

impl<'a> Sender<'a> {
    pub(crate) fn new(server: &'a Server, client: &'a Client) -> Self {
        let agent = ureq::Agent::config_builder().http_status_as_error(false);
        Self {
            agent: agent.build().into(),
            server,
            client,
        }
    }

    /// An upload by tus is begun. Its path.
    pub(crate) fn begin(&self, bytes: usize) -> String {
        let made = self
            .tus(self.agent.post(format!("{}/api/uploads/", self.server.url)))
            .header("upload-length", bytes.to_string())
            // clip.mp4
            .header("upload-metadata", "filename Y2xpcC5tcDQ=")
            .send_empty()
            .unwrap();
        assert_eq!(made.status(), 201);
        let location = made.headers()["location"].to_str().unwrap();
        location[location.find("/api/").unwrap()..].to_owned()
    }

    /// Sends bytes. How many there are then.
    pub(crate) fn send(&self, path: &str, offset: usize, bytes: &[u8]) -> Result<usize, Refusal> {
        let answer = self
            .tus(self.agent.patch(format!("{}{path}", self.server.url)))
            .header("upload-offset", offset.to_string())
            .header("content-type", "application/offset+octet-stream")
            .send(bytes)
            .unwrap();
        offset_of(&answer)
    }

    /// How many bytes of an upload there are.
    pub(crate) fn measure(&self, path: &str) -> Result<usize, Refusal> {
        let answer = self
            .tus(self.agent.head(format!("{}{path}", self.server.url)))
            .call()
            .unwrap();
        offset_of(&answer)
    }

    /// What every request of tus says.
    fn tus<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        request
            .header("authorization", self.client.bearer())
            .header("tus-resumable", "1.0.0")
    }

    /// Sends a file in one request, which has to be refused.
    pub(crate) fn refused_form(&self, bytes: &[u8]) -> Refusal {
        let head = "--x\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nThe other\r\n--x\r\n\
            Content-Disposition: form-data; name=\"video_file\"; filename=\"clip.mp4\"\r\n\
            Content-Type: video/mp4\r\n\r\n";
        let body = [head.as_bytes(), bytes, b"\r\n--x--\r\n"].concat();
        let answer = self
            .agent
            .post(format!("{}/api/videos/", self.server.url))
            .header("authorization", self.client.bearer())
            .header("content-type", "multipart/form-data; boundary=x")
            .send(&body[..])
            .unwrap();
        refusal(&answer)
    }
}

fn offset_of(answer: &ureq::http::Response<ureq::Body>) -> Result<usize, Refusal> {
    if !answer.status().is_success() {
        return Err(refusal(answer));
    }
    let offset = answer.headers()["upload-offset"].to_str().unwrap();
    Ok(offset.parse().unwrap())
}

fn refusal(answer: &ureq::http::Response<ureq::Body>) -> Refusal {
    let code = answer.headers().get("clipsy-error-code");
    let code = code.map_or("", |code| code.to_str().unwrap()).to_owned();
    let later = answer.headers().contains_key("retry-after");
    (answer.status().as_u16(), code, later)
}
