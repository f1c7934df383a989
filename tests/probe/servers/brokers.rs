//! What hands on messages, and what shows a screen.

use super::*;

/// What starts `RabbitMQ`; the name in /usr/sbin wants to be root, and becomes a user of its own.
fn rabbitmq_server() -> String {
    let versions = fs::read_dir("/usr/lib/rabbitmq/lib").into_iter().flatten();
    let mut programs = versions
        .filter_map(Result::ok)
        .map(|version| version.path().join("sbin").join("rabbitmq-server"));
    let found = programs.find(|program| program.exists());
    let found = found.expect("rabbitmq-server is not installed; scripts/test does");
    found.display().to_string()
}

/// It takes its time.
const SLOW: Duration = Duration::from_mins(2);

/// `RabbitMQ` with all it keeps in one folder, and processes of its own that end with it: it starts a register of names.
async fn rabbitmq(authority: &Authority, secure: u16) -> Real {
    let [nodes, names] = [(); 2].map(|()| free_port());
    let start = |folder: &Path, port: u16| {
        authority.write(folder);
        let place = folder.display();
        let text = format!(
            "listeners.tcp.1 = 127.0.0.1:{port}\nlisteners.ssl.1 = 127.0.0.1:{secure}\n\
             ssl_options.certfile = {place}/cert.pem\nssl_options.keyfile = {place}/key.pem\n\
             ssl_options.verify = verify_none\nlog.file = false\n"
        );
        let file = write(folder, "rabbitmq.conf", &text);
        let plugins = write(folder, "plugins", "[].\n");
        let mut all = words("--user --map-root-user --pid --fork --kill-child --mount-proc env -i");
        all.extend([
            format!("PATH={}", std::env::var("PATH").unwrap_or_default()),
            format!("HOME={place}"),
            format!("RABBITMQ_BASE={place}"),
            format!("RABBITMQ_MNESIA_BASE={place}/mnesia"),
            format!("RABBITMQ_LOG_BASE={place}"),
            format!("RABBITMQ_CONFIG_FILE={file}"),
            "RABBITMQ_CONF_ENV_FILE=/dev/null".to_owned(),
            format!("RABBITMQ_ENABLED_PLUGINS_FILE={plugins}"),
            "RABBITMQ_NODENAME=belfry@localhost".to_owned(),
            format!("RABBITMQ_DIST_PORT={nodes}"),
            format!("ERL_EPMD_PORT={names}"),
            "ERL_EPMD_ADDRESS=127.0.0.1".to_owned(),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} +S 1"
                .to_owned(),
            rabbitmq_server(),
        ]);
        all
    };
    Real::listening_within(SLOW, "unshare", start).await
}

#[tokio::test]
async fn amqp_in_the_clear_and_with_tls_is_spoken_by_rabbitmq() {
    let (authority, secure) = (Authority::new(), free_port());
    let server = rabbitmq(&authority, secure).await;
    let (env, port) = (authority.env(), server.port);
    let all = [("amqp", port), ("amqps", secure)];
    speaks(&env, &all).await;
    is_no(&env, ("amqps", port), "TLS").await;
    is_no(&crate::env(), ("amqps", secure), "certificate").await;
    is_no(&env, ("mqtt", port), "answered \"AMQP").await;
    // A version that it does not speak; it names its own.
    let keys = r"send = 'AMQP\x00\x00\x08\x00', expect = '\A\x01'";
    let said = asked(&env, port, keys, BRIEF).await;
    assert!(said.starts_with("fail: "), "{said}");
    assert!(said.contains(" answered \"AMQP"), "{said}");
    is_ended(server, &all).await;
}

#[tokio::test]
async fn mqtt_with_tls_is_spoken_and_a_broker_that_takes_nobody_is_told() {
    let (authority, secure) = (Authority::new(), free_port());
    let server = Real::listening("mosquitto", |folder, port| {
        authority.write(folder);
        let place = folder.display();
        let user = if is_root() { "user root\n" } else { "" };
        let text = format!(
            "{user}listener {port} 127.0.0.1\nmax_connections 1\nallow_anonymous true\n\
             listener {secure} 127.0.0.1\ncertfile {place}/cert.pem\nkeyfile {place}/key.pem\n"
        );
        vec!["-c".to_owned(), write(folder, "mosquitto.conf", &text)]
    })
    .await;
    let (env, port) = (authority.env(), server.port);
    speaks(&env, &[("mqtts", secure)]).await;
    is_full(port, "mqtt", " the connection").await;
    is_no(&crate::env(), ("mqtts", secure), "certificate").await;
    ends(server, &[("mqtt", port), ("mqtts", secure)]).await;
}

#[tokio::test]
async fn a_screen_is_shown_by_vnc() {
    let server = Real::listening("x11vnc", |folder, port| {
        // A screen that is a file.
        let screen = folder.join("screen");
        fs::write(&screen, [0; 3 << 10]).expect("there is room");
        words(&format!(
            "-rawfb map:{}@32x32x24 -rfbport {port} -rfbportv6 -1 -listen 127.0.0.1 -noipv6 -forever -nopw -norc",
            screen.display()
        ))
    })
    .await;
    let all = [("vnc", server.port)];
    speaks(&env(), &all).await;
    is_no(&env(), ("ssh", server.port), "answered \"RFB 003.008").await;
    server.freeze();
    let said = asked(&env(), server.port, "preset = \"vnc\"", BRIEF).await;
    assert!(said.starts_with("fail: no answer within "), "{said}");
    is_ended(server, &all).await;
}
