/* The process gate: owns all listeners, decides who enters, forks a session for
 * each connection and gives it its data sockets. Reads no byte of a client,
 * opens no file. */
#include "gate.h"

int main(int argc, char **argv)
{
    static struct gate gate;

    return frame_main(&gate_row, &gate.frame, argc, argv);
}
