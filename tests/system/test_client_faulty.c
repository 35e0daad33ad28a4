/* The client with servers that are played. */
#include "transcript.h"

TRANSCRIPTS(client_faulty, "faulty", 1200, transcript_play_faulty);
