/* Plays the transcripts of the client with faulty servers. */
#include "transcript.h"

TRANSCRIPTS(client_faulty, "faulty", 1200, transcript_play_faulty);
