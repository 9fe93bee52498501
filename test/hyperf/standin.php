<?php
/*
 * Stands in for an application with Hyperf's async queue: it sends what such a one was seen to send, command by
 * command (queue/testdata/hyperf-traces), and loses what such a one loses. The suite beside it compares both.
 *
 *   php standin.php HOST:PORT CHANNEL STEP...
 *
 * Steps, carried out in order:
 *   set KEY=VALUE         pop, handle (seconds), retry (seconds, with commas), params (JSON) of the jobs pushed next
 *   push CLASS ID MAX     a job of that class; MAX: maxAttempts; `delay SECONDS CLASS ID MAX` likewise
 *   push-file FILE        the bytes of a file
 *   pop                   what a consumer does before a job: moves what is due, takes one message, reserves it
 *   end RESULT            ends the oldest job in hand: ack, throw, retry, requeue, drop; `job`: as its class says
 *   lengths               counts the queue
 *   consume N             N times pop and, if there was a message, `end job`
 *   serve                 the same until standard input ends
 *   reload STATE          timeout or failed, back to waiting
 *   flush STATE           removes a state
 *   sleep MILLISECONDS
 *   gate KEY STATE        closed, open; `ask KEY`: whether pushing is allowed
 *
 * KILL_AFTER=n makes it kill itself (SIGKILL) as soon as n commands have been answered.
 *
 * It tells on standard output: `ran ID`, then `acked ID`, `retried ID`, `failed ID`, `requeued ID` or `dropped ID` as
 * it does so, `flushed STATE`, `vanished ID` where an equal message took this one along, and `lost ID` where it dies
 * while a message stands in no key. An end that leaves nothing in Redis is told before its command is sent.
 */

declare(strict_types=1);

namespace Hyperf\AsyncQueue {
    /** The envelope, as Hyperf writes it since 3.2. */
    final class JobMessage
    {
        public function __construct(public object $job, public int $attempts = 0)
        {
        }

        public function __serialize(): array
        {
            return ['job' => $this->job, 'attempts' => $this->attempts];
        }

        public function __unserialize(array $data): void
        {
            ['job' => $this->job, 'attempts' => $this->attempts] = $data;
        }
    }
}

namespace App\Job {
    abstract class TestJob
    {
        public int $maxAttempts = 0;

        public string $uniqueId = '';

        public array $params = [];
    }

    /** Ends well. */
    final class NoopJob extends TestJob
    {
    }

    /** Ends well. */
    final class DemoJob extends TestJob
    {
    }

    /** Ends well; our worker takes longer over it than it may. */
    final class LateJob extends TestJob
    {
    }

    /** Throws. */
    final class FailJob extends TestJob
    {
    }
}

namespace {
    use Hyperf\AsyncQueue\JobMessage;

    final class Application
    {
        private Redis $redis;

        private int $sent = 0;

        /** The message that stands in no key of Redis while this process is between two commands. */
        private ?string $nowhere = null;

        /** @var list<string> the payloads in hand, oldest first */
        private array $hand = [];

        private int $pop = 2;

        private int $handle = 10;

        /** @var list<int> */
        private array $retry = [5];

        private array $params = [];

        public function __construct(string $address, private string $channel, private int $killAfter)
        {
            [$host, $port] = explode(':', $address);
            $this->redis = new Redis();
            $this->redis->connect($host, (int) $port);
        }

        /** @param list<string> $words */
        public function run(array $words): void
        {
            while ($words !== []) {
                $step = array_shift($words);
                $arguments = array_splice($words, 0, match ($step) {
                    'push' => 3, 'delay' => 4, 'gate' => 2, 'pop', 'lengths', 'serve' => 0, default => 1,
                });
                $this->step($step, $arguments);
            }
        }

        /** @param list<string> $a */
        private function step(string $step, array $a): void
        {
            match ($step) {
                'set' => $this->set(...explode('=', $a[0], 2)),
                'push' => $this->send('lPush', $this->key('waiting'), $this->job(...$a)),
                'push-file' => $this->send('lPush', $this->key('waiting'), file_get_contents($a[0])),
                'delay' => $this->add('delayed', (int) $a[0], $this->job($a[1], $a[2], $a[3])),
                'pop' => $this->pop(),
                'end' => $this->end($a[0]),
                'lengths' => $this->lengths(),
                'consume' => $this->consume((int) $a[0]),
                'serve' => $this->serve(),
                'reload' => $this->reload($a[0]),
                'flush' => $this->flush($a[0]),
                'sleep' => usleep(1000 * (int) $a[0]),
                'gate' => $a[1] === 'closed' ? $this->send('set', $a[0], serialize(false)) : $this->send('del', $a[0]),
                'ask' => $this->send('get', $a[0]),
            };
        }

        private function set(string $key, string $value): void
        {
            match ($key) {
                'pop' => $this->pop = (int) $value,
                'handle' => $this->handle = (int) $value,
                'retry' => $this->retry = array_map('intval', explode(',', $value)),
                'params' => $this->params = json_decode($value, true, 512, JSON_THROW_ON_ERROR),
            };
        }

        private function job(string $class, string $id, string $max): string
        {
            $name = 'App\Job\\' . $class;
            $job = new $name();
            $job->maxAttempts = (int) $max;
            $job->uniqueId = $id;
            $job->params = $this->params;
            return serialize(new JobMessage($job));
        }

        private function key(string $state): string
        {
            return $this->channel . ':' . $state;
        }

        /** Sends one command. All commands go through here: between two of them the process may die. */
        private function send(string $command, mixed ...$arguments): mixed
        {
            $answer = $this->redis->{$command}(...$arguments);
            if ($command === 'brPop') {
                $this->nowhere = $answer[1] ?? null;
            } elseif ($command === 'lPush' || $command === 'zAdd') {
                $this->nowhere = null;
            }
            $this->mayDie();
            return $answer;
        }

        /** Takes a payload out of a set, to put it elsewhere next. */
        private function take(string $from, string $payload): bool
        {
            $taken = $this->redis->zRem($this->key($from), $payload) > 0;
            $this->nowhere = $taken ? $payload : null;
            $this->mayDie();
            return $taken;
        }

        private function mayDie(): void
        {
            if (++$this->sent !== $this->killAfter) {
                return;
            }
            if ($this->nowhere !== null) {
                $this->tell('lost', $this->nowhere);
            }
            posix_kill(posix_getpid(), SIGKILL);
        }

        private function tell(string $what, string $payload): void
        {
            $job = (array) unserialize($payload)->job;
            fwrite(STDOUT, $what . ' ' . ($job['uniqueId'] ?? sha1($payload)) . "\n");
        }

        /** Returns false if equal bytes stood there already: the two have become one. */
        private function add(string $to, int $delay, string $payload): bool
        {
            return (bool) $this->send('zAdd', $this->key($to), time() + $delay, $payload);
        }

        private function pop(): bool
        {
            $this->move('delayed', 'waiting');
            $this->move('reserved', 'timeout');
            $payload = $this->send('brPop', $this->key('waiting'), $this->pop)[1] ?? null;
            if ($payload === null) {
                return false;
            }
            $this->add('reserved', $this->handle, $payload);
            $this->hand[] = $payload;
            return true;
        }

        private function move(string $from, string $to): void
        {
            $due = $this->send('zRevRangeByScore', $this->key($from), (string) time(), '-inf', ['limit' => [0, 100]]);
            foreach ($due as $payload) {
                if ($this->take($from, $payload)) {
                    $this->send('lPush', $this->key($to), $payload);
                }
            }
        }

        private function end(string $result): void
        {
            $payload = array_shift($this->hand);
            $message = unserialize($payload);
            $this->tell('ran', $payload);
            if ($result === 'job') {
                $result = str_contains(get_class($message->job), 'FailJob') ? 'throw' : 'ack';
            }
            match ($result) {
                'ack' => $this->remove('acked', $payload),
                'drop' => $this->remove('dropped', $payload),
                'requeue' => $this->again('requeued', $payload, $message, 0),
                'retry', 'throw' => $this->fail($payload, $message),
            };
        }

        private function remove(string $what, string $payload): void
        {
            $this->tell($what, $payload);
            $this->send('zRem', $this->key('reserved'), $payload);
        }

        private function fail(string $payload, JobMessage $message): void
        {
            $job = (array) $message->job;
            $most = $job['maxAttempts'] ?? $job["\0*\0maxAttempts"] ?? 0;
            if ($message->attempts < $most) {
                $this->again('retried', $payload, $message, 1);
            } elseif ($this->take('reserved', $payload)) {
                $this->send('lPush', $this->key('failed'), $payload);
                $this->tell('failed', $payload);
            } else {
                $this->tell('vanished', $payload);
            }
        }

        private function again(string $what, string $payload, JobMessage $message, int $attempts): void
        {
            if (! $this->take('reserved', $payload)) {
                $this->tell('vanished', $payload);
                return;
            }
            $delay = $this->retry[min($message->attempts, count($this->retry) - 1)];
            $message->attempts += $attempts;
            $isNew = $this->add('delayed', $delay, serialize($message));
            $this->tell($isNew ? $what : 'vanished', $payload);
        }

        private function lengths(): void
        {
            $this->send('lLen', $this->key('waiting'));
            $this->send('zCard', $this->key('delayed'));
            $this->send('lLen', $this->key('failed'));
            $this->send('lLen', $this->key('timeout'));
        }

        private function consume(int $times): void
        {
            for (; $times > 0; --$times) {
                if ($this->pop()) {
                    $this->end('job');
                }
            }
        }

        private function serve(): void
        {
            do {
                $this->consume(1);
                $read = [STDIN];
                $none = null;
            } while (stream_select($read, $none, $none, 0) === 0);
        }

        private function flush(string $state): void
        {
            fwrite(STDOUT, "flushed $state\n");
            $this->send('del', $this->key($state));
        }

        private function reload(string $from): void
        {
            do {
                $moved = $this->send('rPopLPush', $this->key($from), $this->key('waiting'));
            } while ($moved !== false);
        }
    }

    error_reporting(E_ALL & ~E_DEPRECATED); // jobs of the test data have properties that the classes here have not
    [, $address, $channel] = $argv;
    (new Application($address, $channel, (int) getenv('KILL_AFTER')))->run(array_slice($argv, 3));
}
