/* The message list: everything that one process can say to another. The table
 * in src/ipc/message.c has a row for each, and the channel holds both ends to
 * it: sender, receiver, phase, fields, descriptors, once or many. */
#ifndef SALLYPORT_IPC_MESSAGE_H
#define SALLYPORT_IPC_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/process.h"

enum message {
    MSG_NONE,
    /* master and its children, before they work */
    MSG_CONF,        /* settings as text, in a sealed memfd; also at a
                        reload */
    MSG_CAGE,        /* root?, uid, gid, allow_weaker; the empty folder */
    MSG_LOG,         /* the receiver's end of its channel to log; also later,
                        when log was started anew */
    MSG_CERTIFICATE, /* a certificate chain, a PEM file: its key's number, its
                        path, the key's path, is it in use already; also at a
                        reload */
    MSG_STAPLE,      /* an OCSP response, a DER file: its key's number, must it
                        be usable, its path; also at a reload */
    MSG_PAIR_IS,     /* what is known of a pair: its key's number, two dates */
    MSG_CLIENT_CA,   /* CAs of clients' certificates, a PEM file: its path, is
                        it in use already; also at a reload */
    MSG_CLIENT_CRL,  /* their revocation lists, the same */
    MSG_KEY,         /* a private key, a PEM file: its number, its path;
                        also at a reload */
    MSG_TAKE,        /* all of a reload was sent: its generation */
    MSG_GIVE_UP,     /* it is no longer awaited: its generation */
    MSG_TAKEN,       /* it is in use: its generation */
    MSG_NOT_TAKEN,   /* the old one stays: its generation, why */
    MSG_KEY_GONE,    /* a key that nobody needs any more: its number */
    MSG_PEERS,       /* how many channels will be open at a time */
    MSG_KEYS,        /* the receiver's end of its channel to keys; also later,
                        when keys was started anew */
    MSG_LISTENER,    /* a control listener: index, address */
    MSG_PASSIVE,     /* a passive listener: address with its port */
    MSG_TOLD,        /* what a public address is now: its number, the address;
                        also later */
    MSG_USERS,      /* the users file, a sealed memfd: generation, two halves of
                       the key of hashes of names */
    MSG_LOG_OUTPUT, /* where log writes */
    MSG_GO,         /* set-up is over */
    MSG_READY,      /* caged and working */
    MSG_FAILED,     /* can't work: why, for the administrator */
    /* master and gate */
    MSG_SESSION,      /* a fork: serial, peer, local address, listener index;
                         the far ends of its channels to master, log, keys */
    MSG_SESSION_PEER, /* who came by a proxy: serial, the client */
    MSG_SESSION_GONE, /* serial, wait status */
    MSG_LOGGED_IN,    /* serial */
    MSG_KILL,         /* serial */
    MSG_CLOSE_DOOR,   /* accept no more */
    /* master and names */
    MSG_RESOLVE,    /* a host, the address that it had last */
    MSG_RESOLVED,   /* its address */
    MSG_UNRESOLVED, /* enum unresolved */
    /* gate and session */
    MSG_ENTER,        /* what a PROXY header says: the client, where to */
    MSG_KEPT_OUT,     /* it may not enter: why, for the client */
    MSG_PORT,         /* a passive port, please */
    MSG_PORT_IS,      /* address with port that the client shall connect to */
    MSG_PORT_NONE,    /* the range is full */
    MSG_PORT_CLOSE,   /* nobody is expected any more */
    MSG_ACTIVE,       /* connect to my client: its address and port */
    MSG_ACTIVE_NONE,  /* could not be done: errno */
    MSG_DATA,         /* the data connection: its peer, 1 if in doubt */
    MSG_DATA_WRONG,   /* somebody else knocked: its address */
    MSG_DATA_PROXIED, /* perhaps the data connection: the proxy */
    MSG_DATA_MINE,    /* it was */
    MSG_DATA_FOREIGN, /* it wasn't: whose, enum foreign */
    MSG_TICKET_KEYS,  /* of tickets of TLS 1.3: the new one, the one before */
    MSG_ALIVE,        /* my loop turns */
    /* session, master, auth */
    MSG_ENTERED,       /* the client of a PROXY header is known, and may */
    MSG_LOGIN,         /* session wants to log in */
    MSG_LOGIN_CHANNEL, /* the pair that leads to an auth worker */
    MSG_VERIFY,        /* the other end of it: serial, generation, the
                          client's address */
    MSG_CREDENTIALS,   /* name, password; what the client's certificate says,
                          and the handshake that proves it, or "" */
    MSG_VERDICT,       /* serial, generation, row, 1 for yes, a keyed hash of
                          the name */
    MSG_GRANTED,       /* session–files: name, rights, how uploads must
                          end, enum data_binding, the row's version */
    MSG_DENIED,        /* enum denial */
    MSG_KICK,          /* enum ending */
    /* master and files */
    MSG_FILES_READY,
    MSG_FILES_FAILED, /* errno */
    MSG_SESSION_DIED, /* the signal that ended its session */
    /* session and files */
    MSG_FILE_READ,     /* path, offset */
    MSG_FILE_READABLE, /* size, mtime */
    MSG_FILE_WRITE,    /* path, enum write_mode, offset, announced size; 1: keep
                          nothing of it if it is cut, or 0 */
    MSG_FILE_WRITABLE, /* first offset to write at, size limit (0: none); 1: say
                          FILE_BEGIN before the first byte, or 0; bytes to be
                          copied by FILE_COPY before the commit */
    MSG_FILE_BEGIN,
    MSG_FILE_COPY,
    MSG_FILE_COPIED, /* bytes still to be copied */
    MSG_FILE_SYNC,
    MSG_FILE_ROOM,     /* bytes still to come; 0: unknown */
    MSG_FILE_COMMIT,   /* length that the file must have */
    MSG_FILE_STORED,   /* virtual path of the file as it is now visible */
    MSG_FILE_ABORT,    /* 1: what came may be wrong, keep nothing of it; or 0 */
    MSG_FILE_DELETE,   /* path */
    MSG_FOLDER_LIST,   /* path, enum list_format, the argument exactly as the
                          client gave it ("": none), MLSD's facts */
    MSG_FOLDER_PIPE,   /* the listing's read end */
    MSG_FOLDER_LISTED, /* enum outcome, entries */
    MSG_FOLDER_ENTER,  /* path */
    MSG_FOLDER_MAKE,   /* path */
    MSG_FOLDER_REMOVE, /* path */
    MSG_RENAME,        /* from, to */
    MSG_RENAMED,       /* virtual path of what was renamed, as it is now */
    MSG_FACTS,         /* path, what for: 0; 1: a partial's length counts
                          (SIZE); 2: RNFR, which takes its own right */
    MSG_FACTS_ARE,     /* kind, size, mtime, perm, mode, device, inode */
    MSG_TIMES,         /* path, atime, mtime */
    MSG_MODE,          /* path, mode */
    MSG_SPACE,         /* path of a folder */
    MSG_SPACE_IS,      /* bytes free */
    MSG_DONE,
    MSG_REFUSED, /* enum outcome, errno */
    /* gate, session and keys */
    MSG_KEYS_PEER,  /* somebody new who asks: process, serial, address */
    MSG_SIGN,       /* number of the key, scheme, the whole message */
    MSG_SIGNED,     /* the signature */
    MSG_NOT_SIGNED, /* errno */
    /* ctl, master, files */
    MSG_WELCOME, /* version, pid of master */
    MSG_STATUS,  /* how is the server? */
    MSG_STATUS_LISTENER,
    MSG_STATUS_CERTIFICATE, /* one of its control listeners: address */
    MSG_STATUS_IS,        /* state, since, sessions, logged in, limit, users */
    MSG_RELOAD,           /* as SIGHUP */
    MSG_USERS_EDITED,     /* look at the users file now */
    MSG_WHO,              /* which sessions? The first place to look at */
    MSG_WHO_IS,           /* one: serial, user or "", client, local address,
                             since when, logged in since when or 0 */
    MSG_WHO_END,          /* the place to go on at; 0: that was all */
    MSG_END_SESSIONS,     /* those of a serial, a user or an address; what isn't
                             meant is 0, "" or none */
    MSG_PARTIALS,         /* a process files of that user, please: name */
    MSG_PARTIALS_CHANNEL, /* ctl–files */
    MSG_CONTROL_DONE,
    MSG_ENDED,           /* so many sessions were told to go */
    MSG_CONTROL_REFUSED, /* enum refusal, in words */
    MSG_PARTIALS_FIND,   /* 1 to remove them, seconds old at least */
    MSG_PARTIAL,         /* path, name that it is for, bytes, mtime, state */
    MSG_PARTIALS_END,    /* folders that couldn't be read, errno */
    /* anybody and log */
    MSG_LOG_PEER, /* a new sender: process, serial, address, user */
    MSG_EVENT,    /* encoded event */
    MSG_COUNT
};

/* The phases of a channel, as its receiver sees them. */
enum phase {
    PHASE_START = 1,    /* a child is being set up */
    PHASE_RUN = 2,      /* it works */
    PHASE_GREETED = 4,  /* session: nobody is logged in */
    PHASE_VERIFY = 8,   /* session: a password is being verified */
    PHASE_USER = 16,    /* session: logged in */
    PHASE_IDLE = 32,    /* files: no upload is open; master: ctl may ask */
    PHASE_WRITING = 64, /* files: an upload is open */
    PHASE_ASKED = 128,  /* session, ctl: waits for an answer */
};

/* Bits, so that a row can name several senders or receivers. */
#define PROCESS_BIT(p) (1u << (p))

/* Fields, one letter each, in this order behind the header:
 *   n  number, 64 bits
 *   a  address
 *   w  word, 1 to 255 bytes, no control bytes
 *   t  text, up to 1,024 bytes, anything but NUL
 *   p  absolute path, 1 to 4,096 bytes, no NUL
 *   s  secret, up to 512 bytes, no NUL; the buffers are wiped
 *   k  a key, exactly 80 bytes; the buffers are wiped
 *   b  bytes, up to 10,240 */
struct message_row {
    const char *name;
    unsigned from, to; /* PROCESS_BIT()s */
    unsigned phases;   /* phases of the receiver's channel */
    bool once;         /* a second one on the same channel ends the peer */
    size_t fds;        /* how many descriptors it carries, exactly */
    const char *fields;
    enum message answers; /* the request that it answers, or MSG_NONE */
};

/* NULL for a number out of range. */
const struct message_row *message_row(unsigned message);
/* "login", or "?" */
const char *message_name(unsigned message);

#endif
