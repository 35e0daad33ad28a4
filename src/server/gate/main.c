/* The process gate: owns all listeners, decides which connections enter, forks
 * a session for each, and sends it its data sockets. It reads no byte of a
 * client and opens no file. */
#include "gate.h"

int main(int argc, char **argv)
{
    static struct gate gate;

    return frame_main(&gate_row, &gate.frame, argc, argv);
}
