//! Prints what `docker_credential` would pull from a registry with, as a credential helper does.

use docker_credential::{get_credential, CredentialRetrievalError, DockerCredential};

fn main() {
    let server = std::env::args().nth(1).expect("a server");
    let found = match get_credential(&server) {
        Ok(DockerCredential::UsernamePassword(username, secret)) => {
            serde_json::json!({ "Username": username, "Secret": secret })
        }
        Ok(DockerCredential::IdentityToken(token)) => {
            serde_json::json!({ "Username": "<token>", "Secret": token })
        }
        Err(CredentialRetrievalError::NoCredentialConfigured) => serde_json::json!({}),
        Err(error) => {
            eprintln!("{error:?}");
            std::process::exit(1);
        }
    };
    println!("{found}");
}
