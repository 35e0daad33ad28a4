/* Node's basic-ftp, run by basic-ftp.sh: MODULES HOST PORT USER PASSFILE CACERT
 * VERSION STEP and the step's ARGUMENTS. It hands its newest TLS session over to each data connection by
 * itself. */
"use strict";
const assert = require("assert");
const fs = require("fs");
const { PassThrough, Writable } = require("stream");
const { TLSSocket } = require("tls");

const [modules, host, port, user, passfile, cacert, version] =
    process.argv.slice(2);
const { Client } = require(`${modules}/basic-ftp`);
const all = fs.readFileSync("up");
// It takes the connection as secure once a cipher is chosen. So it can end an upload without
// a byte before its handshake, and the server sees no close_notify.
const { getCipher } = TLSSocket.prototype;
TLSSocket.prototype.getCipher = function () {
    return this.secureConnecting ? undefined : getCipher.call(this);
};
const SENT = 1500000; // before the cut

async function enter() {
    const client = new Client(30000);
    client.ftp.verbose = true;
    client.ftp.log = line => process.stderr.write(`${line}\n`);
    await client.access({
        host,
        port: Number(port),
        user,
        password: fs.readFileSync(passfile, "utf8"),
        secure: true,
        secureOptions: { ca: fs.readFileSync(cacert),
                         minVersion: version, maxVersion: version },
    });
    return client;
}

async function fetch(client, name, from) {
    const got = [];
    const reply = await client.downloadTo(new Writable({
        write(chunk, encoding, done) { got.push(chunk); done(); },
    }), name, from);
    assert.strictEqual(reply.code, 226);
    assert(Buffer.concat(got).equals(all.subarray(from)),
           `${name} differs from ${from}`);
}

async function isListed(client, name) {
    return (await client.list()).some(f => f.isFile && f.name === name &&
                                      f.size === all.length);
}

// An unfinished upload has more than one block of 64 KiB on the disk.
function hasPartial(home) {
    return fs.readdirSync(home).some(name => /^\.sallyport-.*\.part$/.test(name)
        && fs.statSync(`${home}/${name}`).size > 131072);
}

// What comes of the upload is for others to see: this end gets an error.
async function cutUpload(name, home) {
    const client = await enter();
    const source = new PassThrough();
    const over = client.uploadFrom(source, name).then(
        () => assert.fail("a cut upload was believed"), () => {});

    source.write(all.subarray(0, SENT));
    for (const end = Date.now() + 20000; !hasPartial(home);) {
        assert(Date.now() < end, "nothing of it is there");
        await new Promise(done => setTimeout(done, 20));
    }
    client.close();
    await over;
}

async function rest(client, name) {
    const at = await client.size(name);
    assert(at > 0 && at < SENT, `a size of ${at}`);
    // It knows no REST for uploads: what is missing is appended.
    const reply = await client.appendFrom("up", name, { localStart: at });
    assert.strictEqual(reply.code, 226);
}

async function begin(home) {
    const client = await enter();
    assert.strictEqual((await client.uploadFrom("up", "a")).code, 226);
    await fetch(client, "a", 0);
    await fetch(client, "a", 1000000);
    assert(await isListed(client, "a"));
    assert.strictEqual((await client.rename("a", "b")).code, 250);
    assert(await isListed(client, "b") && !await isListed(client, "a"));
    await client.remove("b");
    client.close();
    await cutUpload("c", home);
}

async function goOn() {
    const client = await enter();
    assert.deepStrictEqual(await client.list(), []);
    await rest(client, "c");
    await fetch(client, "c", 0);
    assert(await isListed(client, "c"));
    await client.remove("c");
    client.close();
}

async function removeLinks() {
    const client = await enter();
    await client.removeDir("linked");
    client.close();
}

function one(i) {
    return Buffer.from(`${i} of many`);
}

async function upload(client, name, i) {
    const source = new PassThrough();

    source.end(one(i));
    assert.strictEqual((await client.uploadFrom(source, name)).code, 226);
}

// In one session up and down, and in each of four at once only up.
async function many(...counts) {
    const [count, each] = counts.map(Number);
    const client = await enter();
    for (let i = 0; i < count / 2; i++) {
        const got = [];
        await upload(client, "m", i);
        await client.downloadTo(new Writable({
            write(chunk, encoding, done) { got.push(chunk); done(); },
        }), "m");
        assert(Buffer.concat(got).equals(one(i)));
    }
    await Promise.all([1, 2, 3, 4].map(async n => {
        const other = await enter();
        for (let i = 0; i < each; i++)
            await upload(other, `m-${n}-${i}`, i);
        other.close();
    }));
    assert.strictEqual((await client.list()).length, 1 + 4 * each);
    client.close();
}

async function changed(way, name) {
    const client = await enter();
    const file = `changed/${name}`;
    if (way === "up")
        await client.appendFrom(file, file, { localStart: await client.size(file) });
    else
        await client.downloadTo(fs.createWriteStream(file, { flags: "a" }), file,
                                fs.statSync(file).size);
    client.close();
}

async function slowly() {
    const client = await enter();
    await client.uploadFrom(fs.createReadStream("slow"), "kept");
    client.close();
}

({ begin, changed, goOn, many, removeLinks, slowly })[process.argv[9]](...process.argv.slice(10)).catch(error => {
    console.error(error);
    process.exit(1);
});
