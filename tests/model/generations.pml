/* A model of what generations share: the board, the table of sessions with its
 * order words, and data listeners that belong to sessions. Spin tries each order
 * of all steps, with the death of a gate or of a master at each of them. A
 * process that hangs is one that takes no step for as long as it likes, and the
 * supervisor may start a new generation at any time.
 *
 * The design, as this file states it:
 *   - The board names the generation that accepts. A gate looks at it before
 *     each accept(2). A takeover is one store, made by the supervisor.
 *   - A retired generation ends only after its gate has said that it accepts no
 *     more: gate may have looked at the board just before the store.
 *   - Gate claims a row of the table before it forks the session, and then sends
 *     master the session's channel. Master frees the row when the session has
 *     ended. If gate dies, master first reads all that it has sent, and then
 *     frees the rows whose sessions it doesn't know.
 *   - The rows of a generation whose master has died are freed by the
 *     supervisor, each when its session has ended.
 *   - A login writes the user into the row, and then looks at the users file. A
 *     lock changes the users file, and then reads the rows: first the serial,
 *     then the user. So one of the two sees the other.
 *   - An order word holds the serial of the session that must end, since a row
 *     is used again.
 *   - A data listener belongs to one session, which takes only a connection of
 *     its own client.
 *
 * MISTAKE replaces one of these sentences by a mistake. tests/model/run shows
 * that Spin finds each of them: so each assertion here can fail. */

#ifndef GENERATIONS
#define GENERATIONS 3
#endif
#ifndef CLIENTS
#define CLIENTS 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef MISTAKE
#define MISTAKE 0
#endif

#define ENDS_WITHOUT_ASKING_GATE (MISTAKE == 1)
#define LOGIN_LOOKS_FIRST (MISTAKE == 2)
#define LOCK_READS_FIRST (MISTAKE == 3)
#define ORDER_WITHOUT_SERIAL (MISTAKE == 4)
#define FREES_BEFORE_IT_READS (MISTAKE == 5)
#define FORKS_BEFORE_IT_CLAIMS (MISTAKE == 6)
#define TAKES_ANY_CONNECTION (MISTAKE == 7)
#define NEVER_FREES_AFTER_A_GATE (MISTAKE == 8)
#define LOCK_READS_THE_USER_FIRST (MISTAKE == 9)

#ifndef LOCKS
#define LOCKS 1 /* a user is locked */
#endif
#ifndef TRANSFERS
#define TRANSFERS 1 /* sessions have data listeners */
#endif

#define ROWS CLIENTS
#define NONE 255
#define ANNA 0 /* the client whose user is locked */

mtype = { OUTSIDE, WAITS, TAKEN, ASKS, IN, DONE };

typedef session_row {
    byte generation; /* 0: the row is free */
    byte serial;
    byte client;
    byte user;       /* number of the client + 1, or 0 */
    byte order;      /* the serial of the session that must end, or 0 */
    bool known;      /* master has the session's channel */
};

typedef generation_life {
    bool has_master; /* it lives */
    bool has_gate;
    bool kill_master;
    bool kill_gate;
    bool retired;    /* the supervisor has said: end when your sessions have */
    bool quiet;      /* gate has said: I accept no more */
};

/* What the supervisor keeps, and the users file. */
byte accepts;
session_row row[ROWS];
bool locked;

/* What the kernel and the clients do. */
generation_life life[GENERATIONS + 1];
chan born[GENERATIONS + 1] = [CLIENTS] of { byte }; /* gate to master: a row */
mtype state[CLIENTS];
byte serial_of[CLIENTS];
byte served_by[CLIENTS];
bool cut[CLIENTS];      /* its session is killed */
bool ordered[CLIENTS];  /* … for an order word */
bool refused[CLIENTS];  /* its login was */
bool served[CLIENTS];
bool flies[CLIENTS];    /* it connects to a data port */
bool arrived[CLIENTS];  /* its session has taken that connection */
byte port;              /* the serial whose listener has the port, or 0 */
byte lock_holds;         /* the serial that the lock has read */
byte newest;
byte deaths;
bool lock_done;

#if CLIENTS > 2
#define SOME_WAIT (state[0] == WAITS || state[1] == WAITS || state[2] == WAITS)
#else
#define SOME_WAIT (state[0] == WAITS || state[1] == WAITS)
#endif
#if CLIENTS > 2
#define SOME_FREE \
    (row[0].generation == 0 || row[1].generation == 0 || row[2].generation == 0)
#else
#define SOME_FREE (row[0].generation == 0 || row[1].generation == 0)
#endif
#define is_session(c) (state[c] == ASKS || state[c] == IN)
#define lives(r) \
    (is_session(row[r].client) && serial_of[row[r].client] == row[r].serial)

inline free_row(r)
{
    row[r].generation = 0;
    row[r].serial = 0;
    row[r].client = 0;
    row[r].user = 0;
    row[r].order = 0;
    row[r].known = false
}

/* Serials are random and never come again; here, the smallest that nobody holds. */
#define holds(r) (row[r].serial == its || row[r].order == its)
inline choose_serial(its)
{
    its = 1;
    do
    :: holds(0) || holds(1) || (ROWS > 2 && holds(ROWS - 1)) ||
       serial_of[0] == its || serial_of[1] == its ||
       (CLIENTS > 2 && serial_of[CLIENTS - 1] == its) ||
       lock_holds == its || port == its -> its++
    :: else -> break
    od
}

inline claim(r, g, c)
{
    atomic {
        SOME_FREE; /* it waits */
        r = 0;
        do
        :: row[r].generation != 0 -> r++
        :: else -> break
        od;
        choose_serial(its);
        row[r].generation = g;
        row[r].serial = its;
        row[r].client = c
    }
}

inline fork_session(c, g, its)
{
    atomic {
        serial_of[c] = its;
        served_by[c] = g;
        state[c] = ASKS
    }
}

/* --- gate ------------------------------------------------------------------ */

inline take_a_client(c)
{
    if
    :: state[0] == WAITS -> c = 0
    :: state[1] == WAITS -> c = 1
#if CLIENTS > 2
    :: state[2] == WAITS -> c = 2
#endif
    :: else -> c = NONE /* another gate was faster */
    fi;
    if
    :: c != NONE ->
        state[c] = TAKEN;
        /* Nobody accepts for a generation that has ended. */
        assert(life[g].has_master || life[g].kill_master)
    :: else
    fi
}

proctype gate(byte g)
{
    byte c = NONE, r = NONE, its;

    {
        do
        :: SOME_WAIT && SOME_FREE && accepts == g -> /* it looks, then accepts */
            atomic { take_a_client(c) };
            if
            :: c == NONE
            :: c != NONE && !FORKS_BEFORE_IT_CLAIMS ->
                claim(r, g, c);
                fork_session(c, g, its);
                atomic { born[g]!r; c = NONE; r = NONE; its = 0 }
            :: c != NONE && FORKS_BEFORE_IT_CLAIMS ->
                atomic { choose_serial(its); fork_session(c, g, its) };
                atomic { serial_of[c] = 0; claim(r, g, c); serial_of[c] = its };
                atomic { born[g]!r; c = NONE; r = NONE; its = 0 }
            fi
        :: accepts > g && !life[g].quiet -> life[g].quiet = true
        :: !life[g].has_master -> break
        od
    } unless {
        life[g].kill_gate
    };
    /* It is dead. Its connection is closed, and a session whose channel it had
     * not sent sees the end of that channel. */
    atomic {
        if
        :: c != NONE && state[c] == TAKEN -> state[c] = WAITS
        :: c != NONE && state[c] != TAKEN && state[c] != WAITS -> cut[c] = true
        :: else
        fi;
        c = NONE;
        r = NONE;
        its = 0;
        life[g].has_gate = false;
        life[g].kill_gate = false
    }
}

/* --- master ---------------------------------------------------------------- */

#define own(r) (row[r].generation == g && row[r].known)
#define asks(r) (own(r) && state[row[r].client] == ASKS && \
                 !refused[row[r].client] && \
                 serial_of[row[r].client] == row[r].serial)
#define must_end(r) (own(r) && row[r].order != 0 && \
                     (row[r].order == row[r].serial || ORDER_WITHOUT_SERIAL))

/* What master does for row R, whenever it can. */
#define FOR_ROW(r) \
    :: asks(r) -> login(r) \
    :: atomic { must_end(r) -> obey(r) } \
    :: atomic { own(r) && !lives(r) -> free_row(r) }

inline login(r)
{
    if
    :: LOGIN_LOOKS_FIRST ->
        may = !(locked && row[r].client == ANNA);
        row[r].user = row[r].client + 1
    :: else ->
        row[r].user = row[r].client + 1;
        may = !(locked && row[r].client == ANNA)
    fi;
    atomic {
        if
        :: asks(r) && may -> state[row[r].client] = IN
        :: asks(r) && !may -> refused[row[r].client] = true
        :: else
        fi;
        may = false
    }
}

inline obey(r)
{
    if
    :: lives(r) ->
        assert(row[r].client == ANNA); /* a lock ends no other user's session */
        ordered[row[r].client] = true;
        cut[row[r].client] = true
    :: else
    fi;
    row[r].order = 0
}

#define HAS_ROWS \
    (row[0].generation == g || row[1].generation == g || \
     (ROWS > 2 && row[ROWS - 1].generation == g))

inline free_unknown()
{
    i = 0;
    do
    :: i < ROWS ->
        if
        :: row[i].generation == g && !row[i].known -> free_row(i)
        :: else
        fi;
        i++
    :: else -> break
    od;
    i = 0
}

proctype master(byte g)
{
    byte i;
    bool may;

    {
        do
        :: atomic { born[g]?i -> row[i].known = true; i = 0 }
        FOR_ROW(0)
        FOR_ROW(1)
#if ROWS > 2
        FOR_ROW(2)
#endif
        :: atomic {
               !life[g].has_gate && (empty(born[g]) || FREES_BEFORE_IT_READS) ->
               if
               :: !NEVER_FREES_AFTER_A_GATE -> free_unknown()
               :: else
               fi;
               life[g].has_gate = true;
               run gate(g)
           }
        :: life[g].retired && empty(born[g]) && !HAS_ROWS && life[g].has_gate &&
           (life[g].quiet || ENDS_WITHOUT_ASKING_GATE) -> break
        od
    } unless {
        life[g].kill_master
    };
    life[g].has_master = false
}

/* --- supervisor ------------------------------------------------------------ */

inline start()
{
    atomic {
        newest++;
        life[newest].has_master = true;
        life[newest].has_gate = true;
        run master(newest);
        run gate(newest)
    };
    old = accepts;
    atomic {
        accepts = newest; /* the takeover */
        life[old].retired = true;
        old = 0
    }
}

/* The rows of a generation whose master has died. */
#define dead_row(r) (row[r].generation != 0 && \
                     !life[row[r].generation].has_master && !lives(r))
#define FREE_DEAD(r) :: atomic { dead_row(r) -> free_row(r) }

active proctype supervisor()
{
    byte old;

    start();
    do
    :: newest < GENERATIONS -> start() /* a reload, or a hang, or a death */
    FREE_DEAD(0)
    FREE_DEAD(1)
#if ROWS > 2
    FREE_DEAD(2)
#endif
    od
}

/* --- what happens to them -------------------------------------------------- */

#define may_kill(g) (life[g].has_master && !life[g].kill_master && newest < GENERATIONS)

active proctype death()
{
    do
    :: atomic { deaths < DEATHS && life[1].has_gate && life[1].has_master ->
                deaths++; life[1].kill_gate = true }
    :: atomic { deaths < DEATHS && may_kill(1) ->
                deaths++; life[1].kill_master = true }
#if GENERATIONS > 1
    :: atomic { deaths < DEATHS && life[2].has_gate && life[2].has_master ->
                deaths++; life[2].kill_gate = true }
    :: atomic { deaths < DEATHS && may_kill(2) ->
                deaths++; life[2].kill_master = true }
#endif
    od
}

/* "user lock anna" */
proctype lock()
{
    byte i;
    bool is_hers;

    if
    :: !LOCK_READS_FIRST -> locked = true
    :: else
    fi;
    do
    :: i < ROWS ->
        if
        :: LOCK_READS_THE_USER_FIRST ->
            is_hers = row[i].user == ANNA + 1;
            lock_holds = row[i].serial
        :: else ->
            lock_holds = row[i].serial;
            is_hers = row[i].user == ANNA + 1
        fi;
        if
        :: is_hers -> row[i].order = lock_holds
        :: else
        fi;
        atomic { is_hers = false; lock_holds = 0; i++ }
    :: else -> break
    od;
    atomic { i = 0; locked = true; lock_done = true }
}

/* --- clients and their sessions --------------------------------------------- */

#define orphan(c) (is_session(c) && !life[served_by[c]].has_master)

/* A transfer: gate lends a listener, the client connects to it, at once or
 * late, and the session gives up at any time. */
inline transfer(c)
{
    if
    :: atomic { port == 0 && life[served_by[c]].has_gate && !flies[c] ->
                port = serial_of[c]; flies[c] = true };
       if
       :: arrived[c]
       :: true /* it gives up */
       fi;
       atomic {
           arrived[c] = false;
           if
           :: port == serial_of[c] -> port = 0
           :: else
           fi
       }
    :: true
    fi
}

proctype client(byte c)
{
    do
    :: state[c] = WAITS;
       {
           if
           :: atomic { state[c] == IN && !TRANSFERS -> served[c] = true; goto over }
           :: state[c] == IN && TRANSFERS -> transfer(c); served[c] = true
           :: refused[c]
           fi;
over:      state[c] = DONE
       } unless {
           cut[c] || orphan(c)
       };
       /* Its descriptors are closed, however it has ended. */
       atomic {
           if
           :: serial_of[c] != 0 && port == serial_of[c] -> port = 0
           :: else
           fi;
           state[c] = DONE;
           cut[c] = false;
           arrived[c] = false;
           serial_of[c] = 0;
           if
           :: served[c] || refused[c] || ordered[c] -> break
           :: else /* it tries again */
           fi
       }
    od
}

/* The network: a connection arrives at whatever has the port then. */
#define FLIGHT(c) \
    :: atomic { flies[c] -> \
                flies[c] = false; \
                if \
                :: port != 0 && (port == serial_of[c] || TAKES_ANY_CONNECTION) -> \
                   /* No session gets another client's connection. */ \
                   assert(port == serial_of[c]); \
                   arrived[c] = true \
                :: else \
                fi }

proctype network()
{
    do
    FLIGHT(0)
    FLIGHT(1)
#if CLIENTS > 2
    FLIGHT(2)
#endif
    od
}

/* --- what must always hold --------------------------------------------------- */

#define shows(r, c) (row[r].generation != 0 && row[r].serial == serial_of[c])
#define shown(c) (shows(0, c) || shows(1, c) || (ROWS > 2 && shows(ROWS - 1, c)))
#define misses(c) (is_session(c) && !cut[c] && !orphan(c) && !shown(c))
#define order_stands \
    ((row[0].order == serial_of[ANNA]) || (row[1].order == serial_of[ANNA]) || \
     (ROWS > 2 && row[ROWS - 1].order == serial_of[ANNA]))

active proctype always()
{
    atomic {
        if
        /* No session is without a row: "who" shows all. */
        :: misses(0) || misses(1) || (CLIENTS > 2 && misses(CLIENTS - 1))
        /* After a lock no session of that user goes on. */
        :: lock_done && state[ANNA] == IN && !cut[ANNA] && !orphan(ANNA) &&
           !order_stands
        fi;
        assert(false)
    }
}

/* --- what must hold in the end ----------------------------------------------- */

init {
    byte i;

    atomic {
        run client(0);
        run client(1);
#if CLIENTS > 2
        run client(2);
#endif
#if LOCKS
        run lock();
#endif
#if TRANSFERS
        run network();
#endif
        skip
    };
    timeout; /* nobody can do anything more */
    assert(life[accepts].has_master && life[accepts].has_gate); /* one accepts */
    assert(newest == GENERATIONS && accepts == newest);
    do
    :: i < CLIENTS -> assert(state[i] == DONE); i++ /* each was served */
    :: else -> break
    od;
    i = 0;
    do
    :: i < ROWS -> assert(row[i].generation == 0); i++ /* no row is lost */
    :: else -> break
    od;
    i = 1;
    do
    :: i < GENERATIONS -> assert(!life[i].has_master); i++ /* the old ones ended */
    :: else -> break
    od
}
