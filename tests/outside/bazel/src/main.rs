// bazel-client HELPER URI…: asks a helper for the headers of each URI, one line of JSON for each.

use credentialhelper::{Client, CredentialHelper, GetCredentialsRequest};
use serde_json::json;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let helper = Client::new(arguments.next().expect("the path of a helper")).unwrap();
    for uri in arguments {
        let answer = match helper.get_credentials(GetCredentialsRequest::new(uri), vec![]) {
            Ok(response) => json!({"headers": response.headers()}),
            Err(error) => json!({"error": error}),
        };
        println!("{answer}");
    }
}
