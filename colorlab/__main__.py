"""The verbs of the terminal: python -m colorlab colorize IN OUT, train, judge, finetune, doctor.

Whatever goes wrong is one line on stderr and exit status 2; the files are whole or not there.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import traceback
import warnings


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(2, f"{self.prog.removeprefix('python -m ')}: {_line(message)} (see {self.prog} --help)\n")


def build_parser() -> argparse.ArgumentParser:
    parser = Parser(prog="python -m colorlab",
                    description="Color photographs; train, and judge, what colors them.")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    def verb(name: str, summary: str) -> argparse.ArgumentParser:
        return verbs.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".",
                                formatter_class=argparse.ArgumentDefaultsHelpFormatter)

    colorize = verb("colorize", "color one photograph; its size and its luminance stay as they are")
    colorize.add_argument("input", metavar="IN", help="a photograph, grey or not")
    colorize.add_argument("output", metavar="OUT", help="the file to write: .png .jpg .webp .tif .bmp")
    colorize.add_argument("--temperature", type=_temperature, default=0.38,
                          help="in (0, 1]: towards 0 the likeliest colour, at 1 the mean one")
    _weights(colorize)

    train = verb("train", "train a generator on a folder of photographs")
    _training(train, steps=1000, lr=1e-3, loss="rebalanced", crop=96, required=False)
    train.add_argument("--estimate", action="store_true",
                       help="train nothing: time a few such steps, and say how long all would take (needs no photographs)")
    train.add_argument("--json", metavar="FILE", help="with --estimate: write the rate there too")
    train.add_argument("--generator", choices=("eccv16", "pretrained"), default="eccv16",
                       help="the paper's architecture from scratch, or an encoder that was trained on ImageNet")
    train.add_argument("--width", type=_positive(float), default=0.25,
                       help="of eccv16: 1 is the paper's, 32 million parameters")
    train.add_argument("--split", choices=("train", "val", "test", "all"), default="train", help="of --photos to learn from")
    train.add_argument("--size", type=_positive(int), default=256,
                       help="pixels a side of the squares from which crops are taken")
    train.add_argument("--cache", metavar="DIR", help="keep the decoded photographs there, for the next time and for many")
    train.add_argument("--start", metavar="NAME", help="go on from this generator, pocket or a file, at its own width")
    train.add_argument("--gamma", type=_zero_or_more, default=0.0,
                       help="show each photograph at other exposures, 0.3 for few photographs")
    train.add_argument("--weight-decay", type=_zero_or_more, default=0.01, help="of AdamW")

    finetune = verb("finetune", "go on training a generator, on all photographs or on a telling part")
    _training(finetune, steps=300, lr=1e-4, loss="rebalanced", crop=192)
    _weights(finetune)
    finetune.add_argument("--choose", choices=("all", "random", "most-real", "largest-loss"), default="all",
                          help="most-real: as ranked by discriminators that did not train on them")
    finetune.add_argument("--share", type=_share, default=0.2, help="of the photographs, unless --choose all")
    finetune.add_argument("--epochs", type=_positive(int), default=10, help="of the discriminators that rank")

    prior = verb("prior", "count how often each color occurs, to weigh the rebalanced AuC by")
    prior.add_argument("output", metavar="OUT", help="the JSON file to write")
    prior.add_argument("--photos", metavar="FOLDER", required=True, help="or: embedded, imagenette")
    prior.add_argument("--split", choices=("train", "val", "test", "all"), default="all",
                       help="of --photos")
    prior.add_argument("--size", type=_positive(int), default=256, help="pixels a side of a square")
    prior.add_argument("--cache", metavar="DIR", help="keep the decoded photographs there")

    judge = verb("judge", "compare real photographs with colored ones: a network's verdict, the colour error")
    judge.add_argument("real", metavar="REAL_DIR", nargs="?", help="a folder of real photographs")
    judge.add_argument("fake", metavar="FAKE_DIR", nargs="?", help="the same, colored, under the same names")
    judge.add_argument("--photos", metavar="FOLDER", help="instead: color the photographs of FOLDER here")
    judge.add_argument("--split", choices=("train", "val", "test"), default="test", help="of --photos")
    judge.add_argument("--limit", type=_positive(int), help="at most so many photographs")
    judge.add_argument("--discriminator", default="fresh", metavar="NAME",
                       help="pocket, which ships; a file; fresh: trained here, on the half that it does not judge; "
                            "or none: measure the colors alone")
    judge.add_argument("--beside", metavar="NAME", nargs="+", default=[],
                       help="with --photos: other generators, with paired differences from --weights")
    judge.add_argument("--judge-splits", type=_splits, metavar="SPLITS",
                       help="fresh: three judges learn from these other splits, e.g. train,val")
    judge.add_argument("--save-judge", metavar="FILE",
                       help="with --judge-splits: train one more judge on all of them, and save it")
    judge.add_argument("--by-source", metavar="FILE.csv",
                       help="the main differences for each source, too: columns file, source")
    judge.add_argument("--epochs", type=_positive(int), default=10, help="of fresh discriminators")
    judge.add_argument("--seed", type=int, default=0, help="of fresh discriminators and of the intervals")
    judge.add_argument("--json", metavar="FILE", help="write the numbers there too")
    _weights(judge)

    study = verb("study", "do the whole study, in stages that are kept: killed, it goes on where it stopped")
    study.add_argument("--photos", metavar="FOLDER", required=True, help="with train, val and test; or: imagenette")
    study.add_argument("--out", metavar="DIR", required=True, help="for results.json, index.html and all that was trained")
    study.add_argument("--budget", choices=("smoke", "laptop", "gpu"), help="its size; default: what the machine suggests")
    study.add_argument("--seed", type=int, default=0, help="of everything drawn")

    verb("doctor", "say what this machine has: device, versions, data, weights, minutes a notebook")
    return parser


def _weights(parser) -> None:
    parser.add_argument("--weights", default="pocket", metavar="NAME",
                        help="the generator: pocket, eccv16-released (129 MB, fetched once) or a file")


def _training(parser, steps: int, lr: float, loss: str, crop: int, required: bool = True) -> None:
    parser.add_argument("--photos", metavar="FOLDER", required=required,
                        help="its train split; or: embedded, imagenette")
    parser.add_argument("--out", metavar="DIR", required=required,
                        help="for checkpoints and generator.safetensors")
    parser.add_argument("--loss", choices=("l2", "classification", "rebalanced"), default=loss,
                        help="to minimize")
    parser.add_argument("--steps", type=_positive(int), default=steps,
                        help="called again, it goes on from the last")
    parser.add_argument("--batch", type=_positive(int), default=16, help="photographs a step")
    parser.add_argument("--accumulate", type=_positive(int), default=1, metavar="PARTS",
                        help="cut each batch into so many parts, where it does not fit into memory")
    parser.add_argument("--crop", type=_positive(int), default=crop, help="pixels a side, a multiple of 8")
    parser.add_argument("--lr", type=_positive(float), default=lr, help="learning rate")
    parser.add_argument("--mix", type=_share, default=0.5, help="lambda of the class weights: 1 weighs all bins alike")
    parser.add_argument("--average", type=_below_one, default=0.0,
                        help="decay of a moving average of the weights, 0.999 for long runs")
    parser.add_argument("--take-back", type=_zero_to_one, default=0.0,
                        help="share of the class weights undone in the end: less vivid, likelier colours")
    parser.add_argument("--work-size", type=_positive(int), default=256,
                        help="shorter side that the network sees of a photograph, at most")
    parser.add_argument("--half", action="store_true", help="save in half precision, half the size")
    parser.add_argument("--seed", type=int, default=0, help="of weights and batches")


def _positive(kind):
    def number(text: str):
        value = kind(text)
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError(f"{text} is not positive")
        return value
    number.__name__ = "whole number" if kind is int else "number"  # what argparse calls it
    return number


def _splits(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    wrong = [name for name in names if name not in ("train", "val", "test")]
    if wrong:
        raise argparse.ArgumentTypeError(f"{wrong[0]!r} is none of train, val, test")
    return names


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is outside (0, 1]")
    return value


_temperature = _share


def _zero_to_one(text: str) -> float:
    return 0.0 if float(text) == 0 else _share(text)


def _zero_or_more(text: str) -> float:
    return 0.0 if float(text) == 0 else _positive(float)(text)


def _below_one(text: str) -> float:
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is outside [0, 1)")
    return value


def main(argv: list[str] | None = None) -> int:
    """Run one verb; return the exit status."""
    argv = sys.argv[1:] if argv is None else argv
    args = build_parser().parse_args(argv)
    args.command = shlex.join(["python", "-m", "colorlab", *argv])  # what a record of its numbers says
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *rest, **more: print(f"colorlab: note: {_line(message)}",
                                                                    file=sys.stderr)
        warnings.filterwarnings("ignore", module="PIL")  # what matters of them comes back as an error
        try:
            _run(args)
            sys.stdout.flush()
            return 0
        except KeyboardInterrupt:
            return _fail(args.verb, "interrupted")
        except BrokenPipeError:  # the reader of a pipe (head, less) has gone
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except MemoryError:
            return _fail(args.verb, "not enough memory: try a smaller photograph, batch or crop")
        except (ValueError, OSError, FloatingPointError) as error:  # PhotoError, WeightsError, a training that diverged
            return _fail(args.verb, str(error) or type(error).__name__)
        except Exception as error:
            if os.environ.get("COLORLAB_TRACEBACK"):
                traceback.print_exc()
            return _fail(args.verb, f"{type(error).__name__}: {error} (COLORLAB_TRACEBACK=1 shows where)")


def _run(args) -> None:
    """Each verb imports what it needs: --help does not wait for torch, nor colorize for what trains."""
    if args.verb == "colorize":
        from .colorizing import colorize_file
        colorize_file(args.input, args.output, args.weights, args.temperature)
    elif args.verb == "doctor":
        from .doctor import doctor
        doctor()
    else:
        from . import allocator
        allocator.keep_freed_memory()  # this process computes and ends
        if args.verb == "judge":
            from .comparing import judge
            judge(args)
        else:
            from . import commands
            getattr(commands, args.verb)(args)


def _fail(verb: str, message: str) -> int:
    print(f"colorlab {verb}: {_line(message)}", file=sys.stderr)
    return 2


def _line(message) -> str:
    return " ".join(str(message).split())


if __name__ == "__main__":
    import signal
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # tidy up when asked to end, too
    sys.exit(main())
