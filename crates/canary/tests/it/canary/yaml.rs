//! The YAML tree and the splicing of values into it.

use keyferry_canary::Form;
use keyferry_yaml::{Document, Limits, Replacement, Splice, Stream};
use zeroize::Zeroizing;

use super::backends::shapes;
use super::{canaries, canary, witness};

#[test]
fn trees_and_their_errors_show_no_value() {
    let mut witness = witness();
    let tiny = Limits {
        max_bytes: 40,
        max_depth: 1,
        max_nodes: 2,
    };
    for canary in canaries() {
        for (before, after) in shapes() {
            let text = format!("{before}{}{after}", canary.text());
            for limits in [Limits::CONFIG, tiny] {
                match Document::parse(&text, limits) {
                    Ok(document) => {
                        witness.saw_debug("document", &document);
                        for (path, node) in document.scalars() {
                            witness.saw_debug("node", &(&path, node, node.scalar()));
                        }
                    }
                    Err(error) => witness.saw_error("parsing", &error),
                }
                match Stream::parse(&text, limits) {
                    Ok(stream) => {
                        witness.saw_debug("stream", &stream);
                        for document in stream.documents() {
                            if let Err(error) = document.root().to_json() {
                                witness.saw_error("json", &error);
                            }
                            if let Err(error) = document.root().to_json_text() {
                                witness.saw_error("json", &error);
                            }
                        }
                    }
                    Err(error) => witness.saw_error("parsing", &error),
                }
            }
        }
    }
    witness.assert_silent(500);
}

#[test]
fn splices_show_no_value() {
    let mut witness = witness();
    let secret = canary(Form::Word);
    let text = format!(
        "a: {secret}\nb: '{secret}'\nc: |\n  {secret}\nd: !tag {secret}\ne:\nf: [{secret}]\n",
        secret = secret.text()
    );
    let stream = Stream::parse(&text, Limits::RENDER).unwrap();
    let root = stream.documents()[0].root();
    for canary in canaries() {
        let json = serde_json::to_string(canary.text()).unwrap();
        for entry in root.entries() {
            let node = entry.value().items().first().unwrap_or(entry.value());
            for replacement in [
                Replacement::Text(Zeroizing::new(canary.text().to_owned())),
                Replacement::Json(Zeroizing::new(canary.text().to_owned())),
                Replacement::Json(Zeroizing::new(json.clone())),
                Replacement::Json(Zeroizing::new(format!("{{\"x\": {json}"))),
            ] {
                witness.saw_debug("replacement", &replacement);
                // With a text that is not the one that was parsed, too.
                for source in [text.as_str(), &text[5..], ""] {
                    let mut splice = Splice::new(&stream, source);
                    let replacement = match &replacement {
                        Replacement::Text(text) => Replacement::Text(text.clone()),
                        Replacement::Json(json) => Replacement::Json(json.clone()),
                    };
                    if let Err(error) = splice.replace(node, replacement) {
                        witness.saw_error("replacing", &error);
                    }
                    witness.saw_debug("splice", &splice);
                    if let Err(error) = splice.finish() {
                        witness.saw_error("splicing", &error);
                    }
                }
            }
        }
    }
    witness.assert_silent(500);
}
