/* The process gate: owns all listeners, decides who enters, forks a session for
 * each connection and gives it its data sockets. Reads no byte of a client,
 * opens no file. */
#include <stdlib.h>
#include <sysexits.h>

#include "sallyport/base/process.h"
#include "sallyport/base/stderr.h"
#include "sallyport/ipc/build.h"
#include "setup.h"

#define MAIN_FD 3

int main(int argc, char **argv)
{
    static struct gate gate;
    struct setup setup;

    process_title_init(argc, argv);
    process_comm(PROCESS_GATE);
    process_title("%s", sandbox_row(PROCESS_GATE)->title);
    stderr_title("gate");
    gate_init(&gate, MAIN_FD);
    build_tell(&gate.master);
    setup_init(&setup, &gate);
    if (setup_receive(&setup) < 0 || setup_keys(&setup) < 0 ||
        gate_begin(&gate, &setup.complaint) < 0 || setup_sandbox(&setup) < 0) {
        setup_failed(&setup);
        return EXIT_SUCCESS; /* master decides what that means */
    }
    return gate_run(&gate) == 0 ? EXIT_SUCCESS : EX_OSERR;
}
