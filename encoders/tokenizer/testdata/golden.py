"""Makes the tokenizers and piece numbers that golden_test.go compares with.

Run by hand, where a rule of a tokenizer is added or a reference moves on:

    python3 -m venv /tmp/golden
    /tmp/golden/bin/pip install tokenizers==0.23.3 sentencepiece==0.2.3 ftfy==6.3.1 regex numpy
    /tmp/golden/bin/pip install --no-deps open-clip-torch==3.3.0
    /tmp/golden/bin/python encoders/tokenizer/testdata/golden.py

It writes beside itself

    texts.json        the texts
    KIND.json.gz      a tokenizer.json laid out as the hub has it for that kind, with a small vocabulary
    KIND.golden.json  the piece numbers of each text, without filling
    clip-full.golden.json  the same for CLIP's whole vocabulary, which is not kept here

The text cleaning and CLIP's numbers come from open_clip's own code, the rest
from tokenizers reading the very KIND.json.gz, as open_clip does; names of
special pieces are text to both. Unigram numbers are compared with those of
sentencepiece too, whose model the vocabulary is from. Where the two differ,
sentencepiece is right, which the models were trained with: tokenizers drops marks
after some characters. But where the same pieces stand in another order, two ways
to part a word score the same, and tokenizers is followed.

CLIP's vocabulary (MIT, OpenAI) is cut to its first 4,000 merges. The others are
trained here on words of that vocabulary and on the texts.
"""

import base64
import gzip
import importlib.util
import json
import random
import sys
import types
import unicodedata
from pathlib import Path

import numpy
import sentencepiece
from sentencepiece import sentencepiece_model_pb2 as spm_format
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

HERE = Path(__file__).parent
CONTEXT = 64
UNDERLINE = "▁"


def open_clip_tokenizer():
    """open_clip.tokenizer alone, with numpy in the place of torch."""
    stand_in = types.ModuleType("torch")
    stand_in.zeros = lambda *shape, dtype: numpy.zeros(shape, dtype)
    stand_in.tensor = numpy.array
    stand_in.long = numpy.int64
    stand_in.Tensor = stand_in.LongTensor = numpy.ndarray
    sys.modules["torch"] = stand_in
    root = next(Path(p) for p in sys.path if (Path(p) / "open_clip/tokenizer.py").exists())
    spec = importlib.util.spec_from_file_location("open_clip_tokenizer", root / "open_clip/tokenizer.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


open_clip = open_clip_tokenizer()

WRITTEN = [
    "",
    " ",
    "a photo of a cat",
    "A Photo of TWO Dogs, running on the Beach!",
    "  leading,\tinner \n\n and trailing   ",
    "it's we're I've she'd you'll I'm can't 'tis rock'n'roll ''s",
    "it’s “curly” ‘quotes’ and ‚low‛ ones ʼn",
    "café naïve Ångström façade Zürich œuvre",
    "cafe\u0301 nai\u0308ve A\u030angstro\u0308m",
    "ﬁnd the ﬂuﬃest oﬀice ĳs ﬆ",
    "ＬＯＵＤ　ＮＯＩＳＥＳ １２３ ﾀｰﾝ ！？",
    "ｅ\u0301 ｶﾞ",
    "İstanbul Iğdır ı",
    "ΟΔΥΣΣΕΥΣ και ΣΑΣ. Σ ΑΣ’ ΑΣα",
    "Straße STRASSE ẞ ǅ",
    "Привет, мир! Ёлка в снегу",
    "犬が走っている写真 東京タワー",
    "两只猫在沙发上。北京、上海",
    "강아지 두 마리가 뛰어요",
    "สุนัขสองตัวกำลังวิ่งบนชายหาด",
    "كلبان يركضان على الشاطئ، مَدْرَسَة",
    "שני כלבים על החוף",
    "समुद्र तट पर दो कुत्ते",
    "இரண்டு நாய்கள்",
    "👍🏽 👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 ❤️ 🫠",
    "sunset 🌅 over the sea🌊!!",
    "\u0301\u0302 lone marks \u0e31",
    "http://www.example.org/a_b?c=d&e=%20f#g user@example.org",
    "IMG_20240131_235959.HEIC C:\\Photos\\2024",
    "3.14 1,000,000 ½ Ⅻ ² ١٢٣ 10€ $5 50% #1 ①",
    "snake_case kebab-case CamelCase __init__",
    "tom &amp; jerry &lt;b&gt; &eacute; &#233; &#xe9; &amp;amp; &quot;x&quot; &notanentity; &copy 2024",
    "<b>tom &amp; jerry</b> 3 < 4",
    "tab\there\u00a0nbsp\u2003em\u3000wide\u2028line\u0085next\u200bzero\u202fnarrow\u1680",
    "nul\x00 bell\x07 esc\x1b[31mred\x1b[0m del\x7f soft\u00adhyphen bom\ufeff",
    "right\u200fto\u200eleft \u202emarks\u202c joiner\u200d \u2060word",
    "replacement \ufffd private \ue000",
    "…dots... –dash— ·•° ™®©",
    "a" * 300,
    "!" * 150,
    "supercalifragilisticexpialidocious pneumonoultramicroscopicsilicovolcanoconiosis",
    "a very long caption that goes on and on " * 12,
    "一二三四五六七八九十" * 12,
    "😀" * 60,
    "x1y2z3 4k 1080p mp3 h264 F/2.8 ISO100",
    "new york city, NY 10001; u.s.a. e.g. i.e. o'clock",
    "¿dónde está el perro? ¡aquí!",
    "le chien de l'homme n'est pas là",
    "der Hund läuft über die Wiese",
    "psí bouda; žluťoučký kůň",
    "con chó đang chạy trên bãi biển",
    "x\u0489 ᾳ ᾼ ǰ ŉ ſtreet 'ſ K Å Ω",
    "(parentheses) [brackets] {braces} `ticks` ~tilde^ |pipe|",
    "ＡＢＣ ａｂｃ ﷺ ㎏ ㍿ ℃ №",
]

POOLS = [
    "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyz ", "ETAOIN SHRDLU", "0123456789", "  ",
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~", "áéíóúñçüößøåæœšžłđğ", "ÁÉÍÓÚÑÇÜÖØÅÆŒŠŽŁĐĞ",
    "\u0300\u0301\u0302\u0303\u0308\u030a\u0327", "\t\n\r\x0b\x0c\u00a0\u2003\u2009\u3000\u2028",
    "\x00\x01\x08\x1f\x7f\u200b\u200d\u2060\ufeff", "漢字犬猫海山東京写真", "ひらがなカタカナー", "가나다강아지고양이",
    "สวัสดีกำลัง", "سلامكلبقطة", "नमस्तेकुत्ता", "абвгдежзЁЖЩ", "αβγδΣςΩ", "👍❤️🏽🐶🌅🇩🇪🏳️🌈😀", "ＡＢｃ１！ﾀﾞ",
    "ﬁﬂﬃĳ½²™…–—’“”", "it's don't", "sunset dog beach ",
]


def random_text(dice):
    pools = dice.sample(POOLS, dice.randint(1, 4))
    return "".join(dice.choice(dice.choice(pools)) for _ in range(dice.randint(1, 24)))


def texts():
    """The texts, without those that ftfy takes for wrongly decoded ones: mending
    these is the one step of open_clip's cleaning that is not followed."""
    dice = random.Random(5)
    every = WRITTEN + [random_text(dice) for _ in range(500)]
    mend = open_clip.ftfy.fix_text
    return [text for text in every if mend(text) == mend(text, fix_encoding=False)]


TEXTS = texts()


def write(name, value, packed=False):
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if packed:
        (HERE / name).write_bytes(gzip.compress(text.encode(), 9, mtime=0))
    else:
        (HERE / name).write_text(text.replace("],[", "],\n[").replace('","', '",\n"') + "\n")


def golden(kind, tokenizer, clean):
    tokenizer.encode_special_tokens = True
    tokenizer.enable_truncation(CONTEXT)
    ids = [tokenizer.encode(clean(text)).ids for text in TEXTS]
    write(f"{kind}.golden.json", ids)
    return ids


def added(tokens):
    return [
        {"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        for i, token in tokens
    ]


def layout(tokens, normalizer, pre_tokenizer, post_processor, model):
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added(tokens),
        "normalizer": normalizer, "pre_tokenizer": pre_tokenizer, "post_processor": post_processor,
        "decoder": None, "model": model,
    }


def template(before, after):
    single = [{"SpecialToken": {"id": token, "type_id": 0}} for token, _ in before]
    single.append({"Sequence": {"id": "A", "type_id": 0}})
    single += [{"SpecialToken": {"id": token, "type_id": 0}} for token, _ in after]
    return {
        "type": "TemplateProcessing", "single": single, "pair": single + [{"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {token: {"id": token, "ids": [i], "tokens": [token]} for token, i in before + after},
    }


def merges_of(path):
    return gzip.open(path).read().decode().split("\n")[1:49152 - 256 - 2 + 1]


def corpus():
    """Lines to train on: words of CLIP's vocabulary, and the texts."""
    dice = random.Random(7)
    words = ["".join(merge.split())[:-4] for merge in merges_of(open_clip.default_bpe()) if merge.endswith("</w>")]
    words = [w for w in words if w.isascii() and w.isalpha()]
    weights = [1 / (10 + rank) for rank in range(len(words))]
    lines = [" ".join(dice.choices(words, weights, k=10)) for _ in range(20_000)]
    return lines + [" ".join(text.split()) for text in TEXTS if "\x00" not in text] * 3


def clip():
    merges = merges_of(open_clip.default_bpe())[:4000]
    small = Path("/tmp/clip-4000.txt.gz")
    small.write_bytes(gzip.compress("\n".join(["#version: 4000"] + merges).encode()))
    reference = open_clip.SimpleTokenizer(bpe_path=str(small), context_length=CONTEXT)
    whole = open_clip.SimpleTokenizer(context_length=CONTEXT)
    for name, tokenizer in ("clip", reference), ("clip-full", whole):
        end = tokenizer.eot_token_id
        rows = [[int(i) for i in tokenizer(text)[0]] for text in TEXTS]
        write(f"{name}.golden.json", [row[: row.index(end) + 1] for row in rows])
    renamed = {"<start_of_text>": "<|startoftext|>", "<end_of_text>": "<|endoftext|>"}
    vocabulary = {renamed.get(piece, piece): i for piece, i in reference.encoder.items()}
    start, end = vocabulary["<|startoftext|>"], vocabulary["<|endoftext|>"]
    pattern = r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
    write("clip.json.gz", layout(
        [(start, "<|startoftext|>"), (end, "<|endoftext|>")],
        {"type": "Sequence", "normalizers": [
            {"type": "NFC"}, {"type": "Replace", "pattern": {"Regex": r"\s+"}, "content": " "}, {"type": "Lowercase"}]},
        {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Removed", "invert": True},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}]},
        {"type": "RobertaProcessing", "sep": ["<|endoftext|>", end], "cls": ["<|startoftext|>", start],
         "trim_offsets": False, "add_prefix_space": False},
        {"type": "BPE", "dropout": None, "unk_token": "<|endoftext|>", "continuing_subword_prefix": "",
         "end_of_word_suffix": "</w>", "fuse_unk": False, "vocab": vocabulary, "merges": merges},
    ), packed=True)


def train_unigram(name, **options):
    lines = Path("/tmp/golden-corpus.txt")
    lines.write_text("\n".join(corpus()))
    sentencepiece.SentencePieceTrainer.train(
        input=str(lines), model_prefix=f"/tmp/golden-{name}", vocab_size=6000, character_coverage=0.9995,
        model_type="unigram", num_threads=1, minloglevel=2, **options)
    model = spm_format.ModelProto()
    model.ParseFromString(Path(f"/tmp/golden-{name}.model").read_bytes())
    return model, sentencepiece.SentencePieceProcessor(model_file=f"/tmp/golden-{name}.model")


def charsmap(model):
    return {"type": "Precompiled",
            "precompiled_charsmap": base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode()}


def unigram(kind, spec, clean, by_sentencepiece):
    """by_sentencepiece gives the reference's numbers of a cleaned text."""
    write(f"{kind}.json.gz", spec, packed=True)
    ids = golden(kind, Tokenizer.from_str(json.dumps(spec)), clean)
    differing = 0
    for i, text in enumerate(TEXTS):
        right = by_sentencepiece(clean(text))
        if right != ids[i]:
            differing += 1
            tie = sorted(right) == sorted(ids[i])
            print(f"{kind}: {'a tie' if tie else 'marks'}: {text!r}: tokenizers {ids[i]}, sentencepiece {right}")
            if not tie:
                ids[i] = right
    write(f"{kind}.golden.json", ids)
    print(f"{kind}: {differing} of {len(TEXTS)} texts differ between tokenizers and sentencepiece")


def siglip():
    model, reference = train_unigram("siglip", pad_id=0, eos_id=1, unk_id=2, bos_id=-1, pad_piece="<pad>")
    pieces = [[p.piece, p.score] for p in model.pieces]
    spec = layout(
        [(0, "<pad>"), (1, "</s>"), (2, "<unk>")],
        {"type": "Sequence", "normalizers": [
            charsmap(model), {"type": "Strip", "strip_left": False, "strip_right": True},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": UNDERLINE}]},
        {"type": "Metaspace", "replacement": UNDERLINE, "prepend_scheme": "always", "split": True},
        template([], [("</s>", 1)]),
        {"type": "Unigram", "unk_id": 2, "vocab": pieces, "byte_fallback": False},
    )
    unigram("siglip", spec, open_clip.get_clean_fn("canonicalize"), lambda text: reference.encode(text)[: CONTEXT - 1] + [1])


def multilingual():
    """XLM-R's layout, which M-CLIP has: numbers are sentencepiece's and one more."""
    model, reference = train_unigram("xlmr", unk_id=0, bos_id=1, eos_id=2, pad_id=-1)
    pieces = [["<s>", 0.0], ["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0]]
    pieces += [[p.piece, p.score] for p in model.pieces[3:]] + [["<mask>", 0.0]]
    spec = layout(
        [(0, "<s>"), (1, "<pad>"), (2, "</s>"), (3, "<unk>"), (len(pieces) - 1, "<mask>")],
        charsmap(model),
        {"type": "Sequence", "pretokenizers": [
            {"type": "WhitespaceSplit"},
            {"type": "Metaspace", "replacement": UNDERLINE, "str_rep": UNDERLINE, "add_prefix_space": True}]},
        template([("<s>", 0)], [("</s>", 2)]),
        {"type": "Unigram", "unk_id": 3, "vocab": pieces},
    )

    def by_sentencepiece(text):
        ids = [3 if i == 0 else i + 1 for i in reference.encode(text)]
        return [0] + ids[: CONTEXT - 2] + [2]

    unigram("xlmr", spec, open_clip.get_clean_fn("whitespace"), by_sentencepiece)


def train_merges(size, special, alphabet):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), normalizers.Replace(" ", UNDERLINE)])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    tokenizer.train_from_iterator(corpus(), trainers.BpeTrainer(
        vocab_size=size, special_tokens=special, limit_alphabet=alphabet, show_progress=False))
    return json.loads(tokenizer.to_str())["model"]


def siglip2():
    """Gemma's layout: merges over characters, and bytes for what has no piece."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"] + [f"<0x{i:02X}>" for i in range(256)]
    trained = train_merges(6000, special, 300)
    spec = layout(
        [(i, special[i]) for i in range(5)],
        {"type": "Sequence", "normalizers": [
            {"type": "Lowercase"}, {"type": "Replace", "pattern": {"String": " "}, "content": UNDERLINE}]},
        {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
        template([], [("<eos>", 1)]),
        {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
         "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "ignore_merges": False,
         "vocab": trained["vocab"], "merges": trained["merges"]},
    )
    write("siglip2.json.gz", spec, packed=True)
    golden("siglip2", Tokenizer.from_str(json.dumps(spec)), open_clip.get_clean_fn("canonicalize"))


def nllb():
    """NLLB's layout: merges over characters, and a language before the text. NFKC
    stands for the hub's own map, which the unigram kinds test, to keep it small."""
    special = ["<s>", "<pad>", "</s>", "<unk>", "eng_Latn", "fra_Latn"]
    trained = train_merges(5000, special, 300)
    spec = layout(
        list(enumerate(special)),
        {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
        {"type": "Metaspace", "replacement": UNDERLINE, "prepend_scheme": "always", "split": True},
        template([("eng_Latn", 4)], [("</s>", 2)]),
        {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
         "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": False,
         "vocab": trained["vocab"], "merges": trained["merges"]},
    )
    write("nllb.json.gz", spec, packed=True)
    golden("nllb", Tokenizer.from_str(json.dumps(spec)), open_clip.get_clean_fn("whitespace"))


def bert():
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.train_from_iterator(corpus(), trainers.WordPieceTrainer(
        vocab_size=5000, special_tokens=special, limit_alphabet=300, show_progress=False))
    spec = layout(
        list(enumerate(special)),
        {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True},
        {"type": "BertPreTokenizer"},
        template([("[CLS]", 2)], [("[SEP]", 3)]),
        {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100,
         "vocab": json.loads(tokenizer.to_str())["model"]["vocab"]},
    )
    write("bert.json.gz", spec, packed=True)
    golden("bert", Tokenizer.from_str(json.dumps(spec)), open_clip.get_clean_fn("whitespace"))


if __name__ == "__main__":
    write("texts.json", TEXTS)
    for make in clip, siglip, multilingual, siglip2, nllb, bert:
        make()
