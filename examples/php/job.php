<?php
// One message: a CloudEvent in JSON on the standard input; the exit status is the outcome.
// See README.md beside this file.

const DONE = 0;
const DROP = 65;  // gone: nothing can be done about it
const RETRY = 75; // again later, as long as attempts are left

$event = json_decode(stream_get_contents(STDIN), true);
if (!is_array($event) || !isset($event['type'])) {
    fwrite(STDERR, "this is no CloudEvent\n");
    exit(DROP);
}

switch ($event['type']) {
    case 'mail.send':
    case 'App\\Job\\SendMail':
        $to = $event['data']['to'] ?? $event['data']['params']['to'] ?? '';
        if ($to === '') {
            fwrite(STDERR, "nobody to write to\n");
            exit(DROP);
        }
        if ($to === 'busy@example.com') {
            fwrite(STDERR, "the mail server is busy\n");
            exit(RETRY);
        }
        printf("sent to %s (attempt %s)\n", $to, getenv('ASYNCQUEUE_JOB_ATTEMPT'));
        exit(DONE);

    case 'App\\Job\\DemoJob': // says what it got
        printf("DemoJob with %s (attempt %s)\n", json_encode($event['data']['params'] ?? []), getenv('ASYNCQUEUE_JOB_ATTEMPT'));
        exit(DONE);
}
fwrite(STDERR, "no such job: {$event['type']}\n");
exit(RETRY);
