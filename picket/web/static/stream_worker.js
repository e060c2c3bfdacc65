// The one stream of a browser, shared by all its windows: browsers open only six connections to one app, and a stream
// for each window would leave none for "Return home".
import { Stream } from "./stream.js";

const windows = new Map();
const stream = new Stream((said) => windows.forEach((_, port) => port.postMessage(said)));

addEventListener("connect", ({ ports: [port] }) => {
  port.onmessage = ({ data: topics }) => {
    if (topics.length) windows.set(port, topics); else windows.delete(port);
    const before = stream.open;
    stream.want([...windows.values()].flat());
    if (topics.length && before && stream.open) port.postMessage({ what: "open" });
  };
});
