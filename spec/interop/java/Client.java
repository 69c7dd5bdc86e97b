import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.*;
import java.util.concurrent.*;
import org.cometd.bayeux.BinaryData;
import org.cometd.bayeux.Message;
import org.cometd.bayeux.client.ClientSession;
import org.cometd.client.BayeuxClient;
import org.cometd.client.ext.*;
import org.cometd.client.http.jetty.JettyHttpClientTransport;
import org.cometd.client.transport.ClientTransport;
import org.cometd.client.websocket.jakarta.WebSocketTransport;
import org.eclipse.jetty.client.HttpClient;
import org.eclipse.jetty.client.HttpClientTransport;

/** Does row after row with CometD's Java client. Prints a JSON line for each, and one for what it asks its server's owner to do. */
public class Client {
  interface Row { void run(BayeuxClient client) throws Exception; }

  static final BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
  static String url, kind;
  static HttpClient http;
  static jakarta.websocket.WebSocketContainer sockets;

  public static void main(String[] args) throws Exception {
    url = args[0];
    kind = args[1];
    http = new HttpClient();
    if (kind.equals("h2c")) {
      Class<?> h2 = Class.forName("org.eclipse.jetty.http2.client.HTTP2Client");
      Class<?> over = Class.forName("org.eclipse.jetty.http2.client.transport.HttpClientTransportOverHTTP2");
      Object client = h2.getConstructor().newInstance();
      http = new HttpClient((HttpClientTransport) over.getConstructor(h2).newInstance(client));
    }
    http.start();
    if (kind.equals("websocket")) sockets = jakarta.websocket.ContainerProvider.getWebSocketContainer();

    row("handshake", false, client -> {});
    row("publish", false, client -> {
      var got = hear(client, "/publish");
      client.getChannel("/publish").publish("é漢🎈");
      same("é漢🎈", got.poll(5, TimeUnit.SECONDS));
    });
    row("wildcards", false, client -> {
      var one = hear(client, "/wild/*");
      var all = hear(client, "/wild/**");
      // In one request: two would race on two connections.
      client.batch(() -> {
        client.getChannel("/wild/a").publish("near");
        client.getChannel("/wild/a/b").publish("far");
      });
      same("near", one.poll(5, TimeUnit.SECONDS));
      same("near", all.poll(5, TimeUnit.SECONDS));
      same("far", all.poll(5, TimeUnit.SECONDS));
    });
    row("batch", false, client -> {
      var got = hear(client, "/batch");
      client.batch(() -> { for (int at = 0; at < 50; at += 1) client.getChannel("/batch").publish(at); });
      for (long at = 0; at < 50; at += 1) same(at, ((Number) got.poll(5, TimeUnit.SECONDS)).longValue());
    });
    row("burst of 900", false, Client::burst);
    row("burst of 900 with ack", true, Client::burst);
    row("timesync", false, client -> {
      var sync = new TimesyncClientExtension();
      client.addExtension(sync);
      var got = hear(client, "/timesync");
      client.disconnect(5000);
      client.handshake(5000);
      Thread.sleep(300);
      if (Math.abs(sync.getOffset()) > 2000) throw new Exception("offset " + sync.getOffset());
    });
    row("binary", false, client -> {
      client.addExtension(new BinaryExtension());
      var got = hear(client, "/binary");
      client.getChannel("/binary").publish(new BinaryData(ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5}), true, null));
      same("[1, 2, 3, 4, 5]", Arrays.toString(((BinaryData) got.poll(5, TimeUnit.SECONDS)).asBytes()));
    });
    row("remote call", false, client -> {
      var got = new LinkedBlockingQueue<Object>();
      client.remoteCall("echo", "hello", message -> got.add(message.getData()));
      same("hello", got.poll(5, TimeUnit.SECONDS));
    });
    row("restart", false, client -> {
      var shaken = new LinkedBlockingQueue<Object>();
      var got = new LinkedBlockingQueue<Object>();
      client.getChannel("/meta/handshake").addListener((org.cometd.bayeux.client.ClientSessionChannel.MessageListener) (channel, message) -> {
        if (!message.isSuccessful()) return;
        client.getChannel("/restart").subscribe((c, m) -> got.add(m.getData()), reply -> shaken.add(reply.isSuccessful()));
      });
      ask("restart");
      same(true, shaken.poll(15, TimeUnit.SECONDS));
      client.getChannel("/restart").publish("again");
      same("again", got.poll(5, TimeUnit.SECONDS));
    });
    row("server-side disconnect", false, client -> {
      ask("kick " + client.getId());
      if (!client.waitFor(8000, BayeuxClient.State.DISCONNECTED)) throw new Exception("still there");
    });
    System.out.println("{\"over\":true}");
    System.exit(0);
  }

  static void burst(BayeuxClient client) throws Exception {
    var got = hear(client, "/burst");
    ask("burst");
    for (long at = 0; at < 900; at += 1) {
      Object data = got.poll(5, TimeUnit.SECONDS);
      if (data == null) throw new Exception(at + " of 900");
      same(at, ((Number) ((Map<?, ?>) data).get("at")).longValue());
    }
    Object more = got.poll(200, TimeUnit.MILLISECONDS);
    if (more != null) throw new Exception("one more: " + more);
  }

  static void row(String name, boolean ack, Row row) throws Exception {
    Map<String, Object> options = new HashMap<>();
    ClientTransport transport = sockets == null
      ? new JettyHttpClientTransport(options, http)
      : new WebSocketTransport(options, null, sockets);
    BayeuxClient client = new BayeuxClient(url, transport);
    if (ack) client.addExtension(new AckExtension());
    String fault = null;
    try {
      client.handshake(5000);
      if (!client.waitFor(5000, BayeuxClient.State.CONNECTED)) throw new Exception("not connected");
      row.run(client);
      client.disconnect(3000);
    } catch (Throwable thrown) {
      fault = String.valueOf(thrown).replaceAll("[^ -~]|[\"\\\\]", "?");
    }
    client.abort();
    System.out.println("{\"row\":\"" + name + "\",\"fault\":" + (fault == null ? "null" : "\"" + fault + "\"") + "}");
  }

  static LinkedBlockingQueue<Object> hear(BayeuxClient client, String channel) throws Exception {
    var got = new LinkedBlockingQueue<Object>();
    var subscribed = new CountDownLatch(1);
    client.getChannel(channel).subscribe((c, message) -> got.add(message.getData()), reply -> subscribed.countDown());
    if (!subscribed.await(5, TimeUnit.SECONDS)) throw new Exception("not subscribed");
    return got;
  }

  static void ask(String what) throws Exception {
    System.out.println("{\"ask\":\"" + what + "\"}");
    in.readLine();
  }

  static void same(Object wanted, Object got) throws Exception {
    if (!wanted.equals(got)) throw new Exception("wanted " + wanted + ", got " + got);
  }
}
