"""Problems in Chinese, a few percent of the mathematics."""

from __future__ import annotations

from fractions import Fraction

from curate.sample.dice import Dice
from curate.sample.values import Problem, latex, number, point, polynomial_text, roots
from curate.sample.words import listed

_WHO = listed("小明 小红 小华 小丽 小军 小芳 小刚 小雨 小杰 小云 王老师 李师傅 张阿姨 陈叔叔 刘伯伯 赵奶奶")
_WHAT = listed("苹果 橘子 铅笔 练习本 贴纸 气球 玻璃球 邮票 卡片 书签 糖果 积木 风筝 纽扣 花盆")
_WHERE = listed("学校 图书馆 公园 工厂 果园 市场 博物馆 车站 农场 体育馆 书店 花店")


def cages(numbers: Dice, words: Dice) -> Problem:
    """Chickens and rabbits."""
    hens, rabbits = numbers.between(4, 180), numbers.between(4, 180)
    heads, legs = hens + rabbits, 2 * hens + 4 * rabbits
    who, place = words.pick(_WHO), words.pick(_WHERE)
    text = words.pick(
        (
            f"{place}旁边的笼子里有鸡和兔共{heads}只，{who}数了数，一共有{legs}条腿。问兔子有多少只？",
            f"鸡兔同笼，头共{heads}个，脚共{legs}只。{who}想知道兔有几只，请你算一算。",
            f"{who}在{place}养了一些鸡和兔，从上面数有{heads}个头，从下面数有{legs}只脚，求兔子的只数。",
        )
    )
    steps = (
        f"假设{heads}只全是鸡，应有{2 * heads}条腿",
        f"实际多出{legs}-{2 * heads}={2 * rabbits}条腿",
        "每把一只鸡换成一只兔多2条腿，用多出的腿数除以2",
    )
    return Problem("cages", text, number(rabbits, unit="只", slips=(("wrong-animal", hens),)), steps, "zh")


def shares(numbers: Dice, words: Dice) -> Problem:
    """Total from unit price and count."""
    count, price, other, cost = (numbers.between(3, 60) for _ in range(4))
    who, one, two = words.pick(_WHO), *words.some(_WHAT, 2)
    place = words.pick(_WHERE)
    total = count * price + other * cost
    text = words.pick(
        (
            f"{who}在{place}买了{count}份{one}，每份{price}元，又买了{other}份{two}，每份{cost}元。一共花了多少元？",
            f"每份{one}{price}元，每份{two}{cost}元。{who}要{count}份{one}和{other}份{two}，应付多少元？",
            f"{place}里{one}的单价是{price}元，{two}的单价是{cost}元。{who}各买{count}份和{other}份，求总价。",
        )
    )
    steps = (
        f"{one}共{count}×{price}={count * price}元",
        f"{two}共{other}×{cost}={other * cost}元",
        "把两部分相加",
    )
    return Problem(
        "shares", text, number(total, unit="元", slips=(("forgotten-term", count * price),)), steps, "zh"
    )


def meeting(numbers: Dice, words: Dice) -> Problem:
    """Two travellers meet."""
    a, b, gap = numbers.between(30, 160), numbers.between(30, 160), numbers.between(60, 1900)
    one, two = words.some(_WHO, 2)
    here, there = words.some(_WHERE, 2)
    text = words.pick(
        (
            f"{here}和{there}相距{gap}米。{one}和{two}分别从两地同时出发，相向而行，速度分别是每分钟{a}米和每分钟{b}米。"
            f"经过多少分钟两人相遇？",
            f"{one}每分钟走{a}米，{two}每分钟走{b}米。两人同时从相距{gap}米的{here}与{there}面对面出发，几分钟后相遇？",
        )
    )
    steps = (f"两人每分钟共走{a}+{b}={a + b}米", f"相遇时间等于{gap}÷{a + b}", "把分数化成最简")
    return Problem(
        "meeting",
        text,
        number(Fraction(gap, a + b), slips=(("sign", Fraction(gap, abs(a - b) or 1)),)),
        steps,
        "zh",
    )


def zeros(numbers: Dice, words: Dice) -> Problem:
    """Roots of a quadratic."""
    p, q = numbers.nonzero(60), numbers.nonzero(60)
    q = -q if p == q else q
    body = polynomial_text((1, -p - q, p * q))
    text = words.pick(
        (
            f"{words.pick(_WHO)}在{words.pick(_WHERE)}里解方程：${body}=0$。请写出所有的解。",
            f"{words.pick(_WHO)}问{words.pick(_WHO)}：一元二次方程 ${body}=0$ 的全部实数根是什么？",
            f"{words.pick(_WHERE)}的墙上写着 ${body}=0$，{words.pick(_WHO)}想求 $x$ 的所有取值。",
        )
    )
    steps = (f"两根之和是${p + q}$，两根之积是${p * q}$", f"因式分解可以得到两个根，其中一个是${p}$")
    return Problem("zeros", text, roots((min(p, q), max(p, q))), steps, "zh")


def sequence(numbers: Dice, words: Dice) -> Problem:
    """A sum of an arithmetic sequence."""
    first, step, count = numbers.between(-20, 40), numbers.nonzero(12), numbers.between(6, 90)
    last = first + (count - 1) * step
    text = words.pick(
        (
            f"{words.pick(_WHO)}写下等差数列$\\{{a_n\\}}$，首项为${first}$，公差为${step}$，求前{count}项的和。",
            f"{words.pick(_WHO)}在{words.pick(_WHERE)}看到：等差数列$\\{{a_n\\}}$满足$a_1={first}$，"
            f"$a_2={first + step}$，则$S_{{{count}}}$等于多少？",
        )
    )
    steps = (
        f"第{count}项是${last}$",
        f"首末两项的平均值是${latex(Fraction(first + last, 2))}$",
        "和等于项数乘以平均值",
    )
    value = Fraction(count * (first + last), 2)
    return Problem("sequence", text, number(value, slips=(("off-by-one", value - last),)), steps, "zh")


def pair(numbers: Dice, words: Dice) -> Problem:
    """Two numbers from sum and weighted sum."""
    x, y, a, b = numbers.between(2, 90), numbers.between(2, 90), numbers.between(2, 9), numbers.between(2, 9)
    b += a == b
    weighted, who = a * x + b * y, words.pick(_WHO)
    text = words.pick(
        (
            f"解方程组：$x+y={x + y}$，${a}x+{b}y={weighted}$，写出$(x,y)$。",
            f"{who}想好两个数$x,y$，它们的和是{x + y}，并且${a}x+{b}y={weighted}$，求$(x,y)$。",
        )
    )
    steps = (
        f"由第一个方程得$y={x + y}-x$",
        f"代入第二个方程，得$({a - b})x={weighted - b * (x + y)}$",
        "解出$x$再求$y$",
    )
    return Problem("pair", text, point(x, y), steps, "zh")


FAMILIES = (cages, shares, meeting, zeros, sequence, pair)
