"""What English customers of the sample company write: a small grammar. `[a|b]` is a choice, `{slot}` is filled in.

core: a whole request. wish: what fits after "I want to". topic: what fits after "about".
"""

from __future__ import annotations

from typing import Final

Phrases = dict[str, tuple[str, ...]]

CORES: Final[Phrases] = {
    "order_status": (
        "where is my order {order}[?| please?]", "[my parcel|the package|my tea] [still hasn't arrived|is not here yet], it has been {days} days",
        "the tracking [hasn't moved|shows nothing new] since {date}", "when will [order {order}|my {product}] [arrive|get here|be delivered]?",
        "it says delivered but [there is nothing in my mailbox|nobody brought me anything|I got nothing]", "has order {order} shipped[ yet|]?",
        "any news on my [parcel|delivery|{product}]?", "I ordered on {date} and still have no tracking number",
        "is my package stuck in customs[ again|]?",
        "do you know which courier has my {product}?", "how long does delivery to {city} [take|normally take]?",
        "my order has been [processing|in transit] for {days} days now",
        "will it be here before {date}?", "the courier's site doesn't know the tracking number you sent[ me|]",
    ),
    "cancel_order": (
        "please cancel [order {order}|my order]", "I [ordered|clicked] twice by mistake, [take one of them out|one is enough]",
        "I [don't need|no longer need] the {product}, it hasn't shipped, right?",
        "can I still [stop|call off] the order I placed [today|on {date}]?", "wrong tea in my basket, don't send [it|order {order}]",
        "my kid placed the order, please don't ship it",
        "I changed my mind about the {product}, is it too late to call it off?", "hold order {order}, [I found it cheaper|we don't need it anymore]",
        "the cancel button [is grey|does nothing], do it for me please",
        "don't pack order {order}, I picked the wrong [size|grade]", "take the {product} off my order and drop the rest as well",
        "I want out of the pre-order for {product}",
    ),
    "change_address": (
        "I moved[ house|], please send order {order} to {city} instead", "the [street|house number|postcode] on order {order} is wrong",
        "can you [deliver|send it] to my [office|neighbour|sister] instead?",
        "I typed the old address, the right one is in {city}", "new [phone number|address] for my delivery, where do I enter it?",
        "please [update|correct] the [recipient|name] on the parcel",
        "I'll be in {city} when it comes, can it go there?", "my account still shows my old flat, how do I [edit|change] it?",
        "the app put the wrong city on my order, it should be {city}",
        "is it possible to pick it up at the shop in {city} rather than have it sent home?",
        "apartment number is missing on order {order}, it's {number}", "the package should go to my mother, not to me",
    ),
    "refund": (
        "I want my money back for the {product}", "I sent the {product} back on {date}, when do I [get the money|see the {amount}]?",
        "how do I return [an unopened {product}|the tea]?", "you [still owe|owe] me {amount}",
        "the {product} is not [to my taste|what I expected], can I return it?", "can I [exchange|swap] the {product} for my money?",
        "the refund for {order} [is {amount} short|never came]",
        "what is the return period for [teaware|an opened bag]?", "which address do I send the return to?",
        "it's been {days} days since you [got|received] my return and nothing on my card",
        "I'd like to send the {product} back[, it was a gift nobody drinks|]", "do I have to pay [postage|shipping] for a return?",
    ),
    "damaged_parcel": (
        "the [tin|teapot|gaiwan|cup] arrived [broken|cracked|in pieces]", "the box was [crushed|soaking wet|torn open] when the courier brought it",
        "one of the [cups|bags] in order {order} is [cracked|burst]",
        "tea leaves all over the parcel, the [bag|seal] was [open|torn]", "the lid of my {teaware} is chipped",
        "order {order} came with a dent in the tin and the tea smells damp",
        "my {teaware} broke on the way, I can send photos", "the package looks like someone stepped on it",
        "there is a crack down the side of the {teaware}", "the glass [shattered|was shattered], I cut my finger unpacking it",
        "the vacuum bag of {product} has lost its air", "bad packing, the {teaware} [did not survive|arrived in two halves]",
    ),
    "payment_problem": (
        "my card [was declined|got refused|doesn't go through] at checkout", "I was charged twice for order {order}",
        "I paid {amount} but the order still says unpaid", "[PayPal|WeChat Pay|Alipay] [shows an error|hangs] at the last step",
        "the {amount} left my account and there is no order", "the verification code for my card never comes",
        "can I pay [by bank transfer|with Amex|in dollars]?", "the voucher {code} is not taken off at checkout",
        "my bank asks why you debited {amount} on {date}", "I [keep getting|get] 'payment failed' with [both cards|Alipay]",
        "the price at checkout is higher than {amount}, why?", "the page froze while I was paying, did it work?",
    ),
    "invoice": (
        "I need [an invoice|a proper invoice|a VAT invoice] for order {order}", "the company name on the invoice is [wrong|misspelt]",
        "can you [send|email] the invoice to {email}?", "our accounting needs [a receipt|the paper invoice] for {amount}",
        "there is no tax number on the invoice", "where can I download [my receipts|the invoice for {order}]?",
        "please make the invoice out to {company}", "can one invoice cover orders from [March|the whole month]?",
        "you sent the receipt without VAT", "I asked for the invoice on {date} and it hasn't come",
        "the amount on the invoice doesn't match the {amount} I paid", "is the receipt you email good enough for the tax office?",
    ),
    "brewing_advice": (
        "what water temperature for {product}?", "how long should I [steep|brew] the {product}?",
        "my {product} comes out [bitter|flat|too weak], what am I doing wrong?", "how many grams for a {volume} ml [pot|gaiwan]?",
        "do I need to rinse {product} first?", "can I [cold brew|make iced tea with] the {product}?", "how often can the same leaves be steeped?",
        "is tap water in {city} too hard for green tea?",
        "how do I [keep|store] {product} once the bag is open?", "glass or clay for {product}?",
        "how do I break a piece off the pu-erh cake without dust?", "does milk go with {product}?", "grandpa style or gaiwan for beginners?",
    ),
    "product_question": (
        "is the {product} [organic|from this spring|pesticide free]?", "how much caffeine is in {product}?",
        "what's the difference between {product} and {product}?", "when is {product} back in stock?", "where is the {product} grown?",
        "does {product} contain [nuts|gluten|flavouring]?", "how big is the {teaware}[ in ml|]?",
        "which tea would you give to [my father|someone who likes coffee]?", "do you sell [samples|smaller bags] of {product}?",
        "what year is the {product} from?", "is the {teaware} dishwasher safe?", "what is the best before date of {product}?",
        "does the gift box of {product} come with a bag?",
    ),
    "wholesale": (
        "what is your price for {kilos} kg of {product}?", "we run [a cafe|a tea room|two restaurants] in {city} and want to [stock|offer] your teas",
        "do you [give|have] a discount from {kilos} kilos?", "can we get [your trade price list|a quote] for {product}?",
        "minimum order for resellers?", "our company needs {number} gift boxes for [New Year|our clients]", "could you put our logo on the tins?",
        "I would like to sell your tea in [my shop|{city}], who do I talk to?",
        "do you export pallets to {city}?", "we'd take {kilos} kg a month, what terms do you offer?", "is there a franchise or an agent for {city}?",
        "can we have samples before we order for [the hotel|all our branches]?",
    ),
    "complaint": (
        "nobody [answers|picks up] the phone, I have called {few} times", "your [chat agent|colleague] was [rude|very short with me]",
        "this is the third time you get my order wrong", "I have been [ignored|sent in circles] for {days} days",
        "the quality has gone down a lot since last year", "you promised a call back on {date} and nothing happened", "I want to speak to a manager",
        "worst service I have had from a shop", "the photos on your site are misleading",
        "every time I write I get a different answer", "if this is how you treat regulars I'm gone",
        "your shop in {city} closed ten minutes early in front of my nose", "you raised prices without telling anyone",
    ),
    "praise": (
        "the {product} is [wonderful|the best I've had|lovely]", "just wanted to say thank you, [great service|everything was perfect]",
        "my [mother|whole office] loves the {product}", "parcel came in {few} hours, impressive",
        "[big thanks|thank you] to [Lin|Xiaomei] from your chat, so helpful", "beautiful packing, it felt like a present",
        "been a customer for {few} years and never disappointed", "five stars for the {teaware}", "please tell the team they do a great job",
        "I don't write often but this {product} made my week", "what a nice handwritten card in the box",
        "the shop in {city} is so cosy, we'll be back",
    ),
    "out_of_scope": (
        "what's the weather in {city} tomorrow?", "can you [book|find] me a hotel in {city}?", "how do I cancel my gym membership?",
        "where is my taxi?", "are you hiring in {city}?", "write me a poem about [spring|the sea]",
        "my airline won't refund a ticket of {amount}, any tips?", "who won the match last night?", "we do SEO and can bring your site to page one",
        "do you repair phones?", "is this the pharmacy?", "what time does the bank open?",
        "can you translate my letter into French?", "I lost my cat near {city}", "the electricity bill is too high this month",
        "how do I change the address on my driving licence?", "my printer does not print invoices", "are you a robot?",
        "best coffee machine under {amount}?", "tell me a joke", "the pizza came cold, I want a new one", "my phone plan: the payment failed again",
    ),
}

WISHES: Final[Phrases] = {
    "order_status": ("know where my parcel is", "find out when order {order} arrives", "see the tracking of my {product}",
        "hear when it will be delivered"),
    "cancel_order": ("cancel the order", "call off order {order}", "stop it before it ships", "drop the order altogether"),
    "change_address": ("change the delivery address", "have it sent to {city}", "correct the address on order {order}", "send it to my office"),
    "refund": ("get my money back", "return the {product}", "send it back for a refund", "be refunded the {amount}"),
    "damaged_parcel": ("report a broken {teaware}", "show you the damage to the box", "tell you the {product} arrived torn open",
        "report that it came in pieces"),
    "payment_problem": ("pay with another card", "get the payment through", "find out why my card was charged twice", "sort out the failed payment"),
    "invoice": ("get an invoice", "have the invoice corrected", "receive the VAT receipt", "have our company name on the receipt"),
    "brewing_advice": ("know how to brew {product}", "learn how long to steep it", "know the right water temperature",
        "find out why it tastes bitter"),
    "product_question": ("know if {product} is organic", "know where {product} is grown", "ask what year {product} is from",
        "know when {product} is back in stock"),
    "wholesale": ("buy {kilos} kg for our cafe", "get your trade prices", "resell your tea in {city}", "order {number} gift boxes for clients"),
    "complaint": ("complain about your service", "speak to a manager", "complain about how I was treated", "tell you how badly this went"),
    "praise": ("say thank you", "tell you how good the {product} is", "praise your packing", "leave a compliment for your team"),
}

TOPICS: Final[Phrases] = {
    "order_status": ("the late delivery", "the tracking", "where the parcel is"),
    "cancel_order": ("cancelling the order", "the cancelled order", "the cancellation"),
    "change_address": ("the new address", "the wrong address", "changing the address"),
    "refund": ("the refund", "the return", "my money back"),
    "damaged_parcel": ("the broken cup", "the damaged box", "the cracked {teaware}"),
    "payment_problem": ("the declined card", "the double charge", "the failed payment"),
    "invoice": ("the invoice", "the receipt", "the VAT number"),
    "brewing_advice": ("brewing", "the bitter taste", "the water temperature"),
    "product_question": ("where it is grown", "the caffeine", "the harvest year"),
    "wholesale": ("the wholesale prices", "our bulk order", "the discount for our cafe"),
    "complaint": ("my complaint", "the rude phone call", "the manager"),
    "praise": ("the nice packing", "the compliment", "the thank-you card"),
}

# Own wish against another intent's: the words are the same in either order, only the frame says which one counts.
CONTRASTS: Final = (
    "I [don't|do not] want to {other}, I [want|would like|just want] to {wish}",
    "I [want|would like|need] to {wish}, [I don't want|I have no wish|and not] to {other}",
    "I'm not [asking|writing] to {other}. I [need|want] to {wish}",
    "I'd like to {wish}. I am not trying to {other}",
    "[your colleague|the bot] thought I wanted to {other}, but [what|all] I want is to {wish}",
    "[what|all] I want is to {wish}, but [your colleague|the bot] thought I wanted to {other}",
    "first I wanted to {other}, now I'd rather {wish}", "I'd rather {wish} now, though at first I wanted to {other}",
    "I was going to {other} but [changed my mind|thought again], I'd rather {wish}",
    "no need to {other} any more, I [just|only] want to {wish}", "I [just|only] want to {wish}, no need to {other} any more",
    "last week I asked to {other}, that's [done|settled]. Now I'd like to {wish}",
    "I'd like to {wish}. Last week I asked to {other}, that's [done|settled]",
)

ASIDES: Final = (
    "this is not about {topic}. {core}", "{core}. This is not about {topic}",
    "thanks for [sorting out|your help with] {topic}. [Now something else|Next question]: {core}",
    "{core} ([I'll write about {topic} another day|{topic} can wait])", "forget {topic} for a moment, {core}",
    "{core}. [As for {topic}, all fine now|And thanks for the quick answer on {topic}]",
    "I wrote about {topic} before, that is settled. {core}", "{core} (the earlier mail about {topic} is answered)",
)

OPENINGS: Final = (
    "hi, ", "hello, ", "hello there, ", "dear Qingshan team, ", "dear sir or madam, ", "good morning, ", "good evening, ", "hey, ", "hi again, ",
    "quick question: ", "sorry to bother you, ", "ni hao, ", "hi Qingshan tea, ",
    "excuse me, ", "hello team, ", "one question. ", "not sure if this is the right place, ", "me again. ", "urgent: ", "hi from {city}, ",
    "to whom it may concern, ", "hiya, ", "first time customer here. ", "long time customer here. ",
)

BACKGROUNDS: Final = (
    "I ordered {product} on {date}. ", "order number {order}. ", "I bought the {product} as a gift for my [mother|boss|sister]. ",
    "I live in {city}. ", "this is about my order from {date}. ", "I have your {product} at home. ",
    "a friend in {city} told me about you. ", "we ordered {few} items for {amount}. ", "my order number is {order}. ",
    "I saw {product} in your newsletter. ", "I'm on your app. ", "I placed it from my phone. ",
)

CLOSINGS: Final = (
    " thanks", " Thanks!", " thank you", " Thank you in advance.", " cheers", " please help", " please advise", " Best, {name}",
    " Kind regards, {name}", " - {name}", " Thanks a lot, {name}", " hope to hear from you soon", " xiexie",
    " let me know", " need an answer before {date}", " sent from my phone", " :)", " ??", " asap please", " Many thanks and have a nice day.",
)

GIFT_CARD: Final = "Do gift cards for your shop expire? I got one for {amount} from my aunt."
EMPTIES: Final = ("", "   ", "<br>", "&nbsp;", "<p></p>", "\u200b")
